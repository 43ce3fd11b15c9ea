"""Listening: the port, and uvicorn with the limits that it lacks by default."""

import socket

import structlog
import uvicorn

from app import logs
from app.connections import BoundedProtocol
from app.settings import Settings

# Beyond these a worker answers 503 by itself instead of falling behind.
_CONCURRENT_REQUESTS = 1_000
_GRACEFUL_SECONDS = 10


_log = structlog.get_logger("serving")


class CannotStart(Exception):
    """One clear line why."""


def listen(chosen: Settings) -> None:
    """Serves until it is stopped. Raises CannotStart when the port is in use."""
    check_port(chosen)
    logs.configure(chosen.log_level)
    url = f"http://{chosen.host}:{chosen.port}/graphql"
    _log.info("serving", url=url, workers=chosen.workers, database=chosen.database_place)
    uvicorn.run(
        "app.main:worker",
        factory=True,
        host=chosen.host,
        port=chosen.port,
        workers=chosen.workers,
        http=BoundedProtocol,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=_CONCURRENT_REQUESTS,
        timeout_graceful_shutdown=_GRACEFUL_SECONDS,
    )


def check_port(chosen: Settings) -> None:
    """Raises CannotStart when the port is in use or may not be listened on."""
    with socket.socket(socket.AF_INET6 if ":" in chosen.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((chosen.host, chosen.port))
        except socket.gaierror:
            raise CannotStart(f"Cannot listen on {chosen.host}: there is no such address. HOST is wrong.") from None
        except OSError as error:
            raise CannotStart(
                f"Cannot listen on {chosen.host}:{chosen.port}: {error.strerror}. Choose another port with PORT=…"
            ) from None
