"""The connection, one model module per room (aerich reads this too), and what models cannot say.

Tortoise ignores constraints in `Meta` silently, so they are written by hand in `migrations/` and listed here by name; a
test compares the catalogue of a migrated database with the models plus this list.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from tortoise import BaseDBAsyncClient
from tortoise.context import TortoiseContext
from tortoise.exceptions import IntegrityError

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

# Unique constraints by name, with their tables.
UNIQUE = {
    "service_providers_name_unique": "service_providers",
    "accounts_name_unique": "accounts",
    "accounts_sip_realm_unique": "accounts",
    "api_keys_public_id_unique": "api_keys",
    "users_email_unique": "users",
    "sessions_public_id_unique": "sessions",
    "recording_configs_account_unique": "recording_configs",
    "idempotency_records_key_unique": "idempotency_records",
    "key_checks_name_unique": "key_checks",
    "applications_name_unique": "applications",
    # What the composite foreign keys below point at.
    "applications_id_account_unique": "applications",
    "stored_credentials_fingerprint_unique": "stored_credentials",
}
# Foreign keys of several columns or of a primary key, by name: the table, its columns, the table that they point at. Without
# them, an account could point at another account's application. All of them RESTRICT.
FOREIGN_KEYS = {
    "accounts_device_calling_application_fk": ("accounts", ("device_calling_application_id", "id"), "applications"),
    "accounts_siprec_application_fk": ("accounts", ("siprec_application_id", "id"), "applications"),
    "calls_recording_credential_fk": ("calls", ("account_id", "recording_credential_id"), "stored_credentials"),
    "call_accounts_account_fk": ("call_accounts", ("id",), "accounts"),
}
CHECKS = {
    "accounts_limits_check": "accounts",
    "accounts_previous_webhook_secret_check": "accounts",
    "accounts_queue_event_webhook_check": "accounts",
    "accounts_registration_webhook_check": "accounts",
    "api_keys_owner_check": "api_keys",
    "users_owner_check": "users",
    "recording_configs_keys_check": "recording_configs",
    "recording_configs_enabled_check": "recording_configs",
    "applications_webhooks_check": "applications",
    "calls_recording_check": "calls",
}
INDEXES = {
    "accounts_by_name": "accounts",
    "accounts_by_provider": "accounts",
    "accounts_suspended": "accounts",
    "accounts_suspended_by_name": "accounts",
    "accounts_suspended_of_provider": "accounts",
    "accounts_suspended_of_provider_by_name": "accounts",
    "api_keys_by_account": "api_keys",
    "api_keys_by_provider": "api_keys",
    "api_keys_of_installation": "api_keys",
    "users_by_account": "users",
    "users_by_provider": "users",
    "users_of_installation": "users",
    "sessions_by_user": "sessions",
    "login_failures_by_subject": "login_failures",
    "login_failures_by_network": "login_failures",
    "login_failures_by_time": "login_failures",
    "recording_configs_enabled": "recording_configs",
    "recording_configs_by_status": "recording_configs",
    "applications_by_account": "applications",
    "webhook_deliveries_by_account": "webhook_deliveries",
    "audit_events_of_account": "audit_events",
    "audit_events_of_provider": "audit_events",
    "audit_events_of_former_provider": "audit_events",
    "audit_events_of_object": "audit_events",
    "audit_events_by_time": "audit_events",
    "idempotency_records_by_time": "idempotency_records",
    "call_accounts_by_provider": "call_accounts",
    "stored_credentials_by_id": "stored_credentials",
    "call_keys_by_id": "call_keys",
    "calls_by_id": "calls",
    "calls_by_gateway_call_id": "calls",
    "calls_walked": "calls",
    "calls_by_application": "calls",
    "calls_by_from": "calls",
    "calls_by_to": "calls",
    "calls_recorded": "calls",
    "calls_underway": "calls",
    "calls_by_credential": "calls",
}
TRIGGERS = {
    "audit_events_stay": "audit_events",
    "audit_events_are_kept": "audit_events",
    "call_accounts_follow": "accounts",
    "call_accounts_go": "accounts",
}

# Statements that each connection keeps prepared, at 30 to 100 kB of the server's memory each. To prepare one again costs a
# round trip and its planning, and the plans of a few front ends have more than asyncpg's 100.
_PREPARED_STATEMENTS = 250


def configuration(settings: Settings, *, migrating: bool = False) -> dict[str, Any]:
    """Tortoise's configuration. No timeout ends a migration."""
    connection = url.connection(settings.database_url or embedded.url_of(settings.data_dir))
    seconds = settings.database_timeout_seconds
    milliseconds = str(int(seconds * 1000))
    # A frozen server hangs a statement that even cancelling does not end, so the driver and the server both limit.
    limits = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    # A server needs nothing of aerich, which loads 20 MB.
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
            # Planned for any value, a page of a large provider would be planned as one of an average provider: all
            # of its rows read, and sorted. Planning for the values at hand takes 0.1 to 0.3 ms.
            "plan_cache_mode": "force_custom_plan",
            # A merge of two indexes reads one of them from its beginning up to where the page lies in the other.
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
    """The database without the server around it: for migrations and for the commands of `python -m app`."""
    # A context of its own, so that one that is open already (a server's, in a test) stays as it is.
    async with TortoiseContext() as context:
        await context.init(config=configuration(settings, migrating=migrating))
        yield context.db()


async def single_connection(settings: Settings) -> asyncpg.Connection:
    """A PostgreSQL connection outside the pool, for what belongs to one session (advisory locks)."""
    credentials = configuration(settings, migrating=True)["connections"]["default"]["credentials"]
    return await asyncpg.connect(
        **{name: value for name, value in credentials.items() if name not in {"minsize", "maxsize"}}
    )


async def accepts_writes(db: BaseDBAsyncClient) -> bool:
    """Raises what the driver does when the database is away."""
    client: pool.PooledClient = db  # type: ignore[assignment]
    return await client.accepts_writes()


def refusal_of(error: BaseException) -> str | None:
    """What the server refused a statement or a session with, in its words, and what to do, for an operator.

    None of a server that is away, and of what it has not said. Without the detail, which has values of rows.
    """
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, asyncpg.PostgresError):
        seen = seen.__cause__
    if seen is None or isinstance(seen, asyncpg.PostgresConnectionError | asyncpg.OperatorInterventionError):
        return None
    advice = next((words for kinds, words in _ADVICE if isinstance(seen, kinds)), "")
    return f"{(getattr(seen, 'message', None) or str(seen)).rstrip('.')}.{advice}"


_ADVICE: tuple[tuple[tuple[type[asyncpg.PostgresError], ...], str], ...] = (
    (
        (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError),
        " Check DATABASE_URL.",
    ),
    ((asyncpg.InsufficientPrivilegeError,), " Grant it to the role in DATABASE_URL."),
    (
        (asyncpg.DuplicatePreparedStatementError, asyncpg.InvalidSQLStatementNameError),
        " A pooler gives the session to other clients in between: connect to PostgreSQL itself, or set PgBouncer's pool_mode to "
        "session.",
    ),
    ((asyncpg.ReadOnlySQLTransactionError,), " Connect to the primary server, or allow writes."),
)


def violated_constraint(error: IntegrityError) -> str | None:
    """The name of the constraint that refused a write; None when it cannot be told."""
    return getattr(error.__cause__, "constraint_name", None)
