"""The handwritten server for comparison: Starlette, asyncpg and orjson, for the four requests of `workloads.py`.

What it does like ours: uvicorn with the same options; the same pool with the same settings (no reset of a released connection);
long-lived objects frozen for the garbage collector; one JSON request and one JSON response; the API key hashed (HMAC-SHA256) and
looked up in the database, the result cached for four seconds; the sealed secret opened; the page's cursor and one row more.

The pool is ours, which makes the handler faster: on asyncpg's pool with an empty reset it takes about 50 µs of CPU more per
request (measured in one process: W1 13 to 16 %, W2 10 to 13 %, W4 11 to 14 %; W3 2 to 20 %, within the noise), so that the
ratios would be higher by as much.

What it does not: parse, validate or execute a query (it knows four by `operationName` and returns all of their fields), check
variables or input, limit anything, record a key's last use, check permissions (the benchmark uses an admin's key; all others get
403), count metrics, write a log line, or return errors.
"""

import gc
import hmac
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.api_keys import token
from app.foundation.database import orm
from app.foundation.database.pool import Pool
from app.foundation.settings import Settings, load
from tests.bench.handwritten_answers import Acquired, Answers

_KEY = """
SELECT k.scope, k.access_level, k.secret_hash, k.expires_at FROM api_keys k
LEFT JOIN service_providers s ON s.id = k.service_provider_id
LEFT JOIN accounts a ON a.id = k.account_id
LEFT JOIN service_providers sa ON sa.id = a.service_provider_id
WHERE k.public_id = $1 AND k.revoked_at IS NULL AND (s.id IS NULL OR s.active) AND (a.id IS NULL OR a.active AND sa.active)
"""


class Server:
    """The handler, its pool and its cache of keys."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._keyring = settings.keyring()
        self._known: dict[bytes, tuple[float, bool]] = {}
        self._pool: Pool
        self._answers: Answers

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        self._pool = await Pool.opened(**_pool_options(self._settings))
        self._answers = Answers(self._pool, self._keyring)
        _spare_the_collector()
        yield
        await self._pool.close()

    async def answer(self, request: Request) -> Response:
        if not await self._is_admin(request.headers["authorization"]):
            return Response(status_code=403)
        asked = orjson.loads(await request.body())
        data = await self._answers.by_name[asked["operationName"]](asked["variables"])
        return Response(orjson.dumps({"data": data}), media_type="application/json; charset=utf-8")

    async def _is_admin(self, header: str) -> bool:
        shown = token.read(header.removeprefix("Bearer "))
        if shown is None:
            return False
        digest = token.secret_hash(self._keyring, shown)
        known = self._known.get(digest)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        async with Acquired(self._pool) as connection:
            key = await connection.fetchrow(_KEY, shown.public_id)
        is_admin = (
            key is not None
            and hmac.compare_digest(digest, key["secret_hash"])
            and key["scope"] == "ADMIN"
            and key["access_level"] == "FULL"
            and _lasts(key["expires_at"])
        )
        self._known[digest] = (time.monotonic() + 4, is_admin)
        return bool(is_admin)


def _lasts(until: datetime | None) -> bool:
    return until is None or until > datetime.now(UTC)


def _pool_options(settings: Settings) -> dict[str, Any]:
    """The options with which Tortoise creates the pool, from `app/foundation/database/orm.py`."""
    options = dict(orm.configuration(settings)["connections"]["default"]["credentials"])
    del options["minsize"]
    return {"maximum": options.pop("maxsize"), **options}


def _spare_the_collector() -> None:
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 20, 1_000)


def main() -> None:
    server = Server(load())
    app = Starlette(routes=[Route("/graphql", server.answer, methods=["POST"])], lifespan=server.lifespan)
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=1_000,
        timeout_graceful_shutdown=10,
    )


if __name__ == "__main__":
    main()
