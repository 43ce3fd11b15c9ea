"""What the errors of the database's drivers mean. `app.foundation.errors.for_client` maps them to errors for clients."""

import asyncpg
from tortoise.exceptions import DBConnectionError, IntegrityError

# Raised by the drivers when the database is away. Tortoise does not translate them.
DATABASE_AWAY = (
    DBConnectionError,
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
)
# A database that answers has ended one statement; others may succeed.
STATEMENT_ABORTED = (
    asyncpg.QueryCanceledError,
    asyncpg.LockNotAvailableError,
    # A standby cancels queries that conflict with its recovery. We use no isolation level that raises this elsewhere.
    asyncpg.SerializationError,
    # Two writers lock the same rows in different orders; PostgreSQL ends one of them, which may try again.
    asyncpg.DeadlockDetectedError,
)
# After a failover, or by an operator's setting.
READ_ONLY = asyncpg.ReadOnlySQLTransactionError


def refusal_of(error: BaseException) -> str | None:
    """For an operator: the server's message when it refused a statement or a session, and what to do.

    Returns None when the server is away or the error is not its own. The message's detail is left out: it has values of rows.
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
        " A pooler shares the session with other clients: connect to PostgreSQL itself, or set PgBouncer's pool_mode to "
        "session.",
    ),
    ((asyncpg.ReadOnlySQLTransactionError,), " Connect to the primary server, or allow writes."),
)


def violated_constraint(error: IntegrityError) -> str | None:
    """The name of the constraint that refused a write, or None when the error does not name it."""
    return getattr(error.__cause__, "constraint_name", None)
