"""Tortoise's configuration: the connection, and the model module of each domain.

Migrations pass it to aerich.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from tortoise import BaseDBAsyncClient
from tortoise.context import TortoiseContext

from app.foundation.database import embedded, pool, url
from app.foundation.settings import Settings

MODELS = [
    "app.service_providers.model",
    "app.accounts.model",
    "app.api_keys.model",
    "app.users.model",
    "app.storage.model",
    "app.audit.model",
    "app.foundation.idempotency.model",
    "app.webhooks.model",
    "app.applications.model",
    "app.calls.model",
    "app.foundation.key_checks.model",
]

# Prepared statements of each connection; each takes 30 to 100 kB of the server's memory. The query plans of a few front ends have
# more than asyncpg's default of 100, and preparing one again costs a round trip and its planning.
_PREPARED_STATEMENTS = 250


def configuration(settings: Settings, *, migrating: bool = False) -> dict[str, Any]:
    """Tortoise's configuration. Migrations run without timeouts."""
    connection = url.connection(settings.database_url or embedded.url_of(settings.data_dir))
    seconds = settings.database_timeout_seconds
    milliseconds = str(int(seconds * 1000))
    # The driver limits too: on a frozen server a statement hangs, and even cancelling does not end it.
    limits = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    # Only migrations need aerich, which takes 20 MB.
    aerich = ["aerich.models"] if migrating else []
    connection["engine"] = pool.__name__
    connection["credentials"].update(
        minsize=1,
        maxsize=settings.database_pool_size,
        timeout=seconds,
        command_timeout=None if migrating else seconds,
        statement_cache_size=_PREPARED_STATEMENTS,
        server_settings={
            "application_name": "accounts-api",
            # A generic plan treats a large provider as an average one: it reads and sorts all its rows. Planning for
            # the actual values takes 0.1 to 0.3 ms.
            "plan_cache_mode": "force_custom_plan",
            # A merge join of two indexes reads one of them from its beginning up to the page.
            "enable_mergejoin": "off",
            **({} if migrating else dict.fromkeys(limits, milliseconds)),
        },
    )
    return {
        "connections": {"default": connection},
        "apps": {"models": {"models": [*MODELS, *aerich], "default_connection": "default"}},
        "use_tz": True,
        "timezone": "UTC",
    }


@asynccontextmanager
async def opened(settings: Settings, *, migrating: bool = False) -> AsyncIterator[BaseDBAsyncClient]:
    """The database without a server: for the commands of `python -m app`."""
    # A context of its own leaves an open one unchanged (a server's, in a test).
    async with TortoiseContext() as context:
        await context.init(config=configuration(settings, migrating=migrating))
        yield context.db()


async def single_connection(settings: Settings) -> asyncpg.Connection:
    """A PostgreSQL connection outside the pool, for session state (advisory locks)."""
    credentials = configuration(settings, migrating=True)["connections"]["default"]["credentials"]
    return await asyncpg.connect(
        **{name: value for name, value in credentials.items() if name not in {"minsize", "maxsize"}}
    )


async def accepts_writes(db: BaseDBAsyncClient) -> bool:
    """Whether the database accepts writes. Raises the driver's errors."""
    client: pool.PooledClient = db  # type: ignore[assignment]
    return await client.accepts_writes()


def pool_usage(db: BaseDBAsyncClient) -> tuple[int, int]:
    """The number of connections of this process in use, and of clients that wait for one."""
    client: pool.PooledClient = db  # type: ignore[assignment]
    return client.usage()
