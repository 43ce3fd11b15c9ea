"""A database of 60,000 accounts and two million calls, for the costliest operations.

One provider has a quarter of the accounts, another 1,000, a third 1,500 without calls, and a fourth 10,000 without calls in the
last month. A quarter of the calls belong to one account; the others are spread over all accounts and half a year. There is a user
for each account, and half a million audit events.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.accounts import service as accounts
from app.accounts.inputs import NewAccount
from app.api_keys import service as api_keys
from app.api_keys.owner import OwnerChoice
from app.commands import migrate
from app.foundation.access import Scope, Viewer
from app.foundation.context import Context, Resources
from app.foundation.database import orm
from app.foundation.encryption import Keyring
from app.foundation.identifiers import Kind, new_id, sid_of
from app.foundation.permissions import ALL, AccessLevel
from app.foundation.settings import Settings
from app.service_providers import service as providers
from tests.calls.many_calls import NOTED, add_calls, make_past_months, spread_calls
from tests.support.concurrency import multiply

ACCOUNTS, CALLS, EVENTS = 60_000, 2_000_000, 500_000
FEW, SILENT, OLD = 1_000, 1_500, 10_000
_OF_ONE = CALLS // 4

_MOVE = """UPDATE accounts SET service_provider_id = '{to}' WHERE id IN
    (SELECT id FROM accounts WHERE service_provider_id = '{provider}' AND name <> 'Large' ORDER BY id LIMIT {n})"""
_INDEXES = """SELECT indexname, indexdef FROM pg_indexes WHERE indexdef NOT LIKE '%%UNIQUE%%'
    AND (tablename = 'calls' OR tablename = 'call_keys')"""
_FILL = (
    # `multiply` gives one account and one provider as many keys as there are accounts, beyond any quota.
    "DELETE FROM api_keys WHERE id IN (SELECT id FROM api_keys WHERE name = 'crowd' AND (account_id = '{account}'"
    " OR service_provider_id = '{provider}' OR scope = 'ADMIN') AND public_id NOT LIKE '%%00')",
    "DELETE FROM calls WHERE account_id IN (SELECT id FROM accounts WHERE service_provider_id = '{silent}')"
    " OR started_at > now() - INTERVAL '30 days'"
    " AND account_id IN (SELECT id FROM accounts WHERE service_provider_id = '{old}')",
    "INSERT INTO users (id, scope, role, account_id, email, email_key, name, password_hash, password_set_at,"
    " must_change_password, active, created_at, updated_at, version)"
    " SELECT id, 'ACCOUNT', 'MANAGER', id, id || '@example.com', id || '@example.com', 'User', '', now(), false, true, now(),"
    " now(), 1"
    " FROM accounts",
    "INSERT INTO audit_events (id, at, operation, object_kind, object_id, account_id, service_provider_id)"
    " SELECT id, started_at, 'updateAccount', 'AC', account_id, account_id,"
    " (SELECT service_provider_id FROM accounts WHERE id = account_id) FROM calls LIMIT {events}",
    "UPDATE call_accounts SET newest_month = NULL",
    NOTED,
    "VACUUM ANALYZE",
)


@dataclass(frozen=True)
class Spread:
    """API keys by caller, and the ids in operations."""

    keys: dict[str, str]
    account: str
    """The account with a quarter of the calls."""
    provider: str
    """The provider with half of the accounts."""


async def spread(settings: Settings) -> Spread:
    """Migrates and fills an empty PostgreSQL database, within three minutes."""
    await migrate.migrate(settings)
    keyring = settings.keyring()
    async with orm.opened(settings, migrating=True) as connection:
        admin = await api_keys.create_first_admin(keyring, "bench")
        context = _context(settings, keyring)
        owners = {name: (await providers.create(context, name)).id for name in ("provider", "few", "silent", "old")}
        account = await _account(context, owners["provider"])
        keys = await _keys(context, owners, account)
        ids = {name: str(owner) for name, owner in owners.items()}
        await multiply(connection, owners["provider"], account, accounts=ACCOUNTS)
        for name, count in (("few", FEW), ("silent", SILENT), ("old", OLD)):
            await connection.execute_query(_MOVE.format(to=ids[name], provider=ids["provider"], n=count))
        await make_past_months()
        await _fill_calls(connection, account)
        for sql in _FILL:
            await connection.execute_query(sql.format(account=account, events=EVENTS, **ids))
    return Spread(
        {"admin": admin, **keys}, sid_of(Kind.ACCOUNT, account), sid_of(Kind.SERVICE_PROVIDER, owners["provider"])
    )


async def _fill_calls(connection: Any, account: UUID) -> None:
    """Drops foreign keys and indexes while it inserts: maintaining them row by row takes most of the time."""
    await connection.execute_query("SET session_replication_role = replica")
    await connection.execute_query("SET maintenance_work_mem = '256MB'")
    indexes = await connection.execute_query_dict(_INDEXES)
    for index in indexes:
        await connection.execute_query(f"DROP INDEX {index['indexname']}")
    await spread_calls(connection, CALLS - _OF_ONE)
    await add_calls(connection, account, _OF_ONE, application=new_id())
    for index in indexes:
        await connection.execute_query(index["indexdef"].replace(" ON ONLY ", " ON "))


async def _keys(context: Context, owners: dict[str, UUID], account: UUID) -> dict[str, str]:
    """To be called before `multiply`, which exceeds the quotas."""
    of_account = sid_of(Kind.ACCOUNT, account)
    made = {
        name: await _key(context, service_provider_id=sid_of(Kind.SERVICE_PROVIDER, owner))
        for name, owner in owners.items()
    }
    made["account"] = await _key(context, account_id=of_account)
    made["gateway"] = await _key(context, AccessLevel.GATEWAY, account_id=of_account)
    return made


def _context(settings: Settings, keyring: Keyring) -> Context:
    return Context(Viewer(Scope.ADMIN, ALL, new_id()), "bench", Resources(settings, keyring, {}))


async def _account(context: Context, provider: UUID) -> UUID:
    made = await accounts.create(context, NewAccount("Large", sid_of(Kind.SERVICE_PROVIDER, provider)))
    return made.id


async def _key(context: Context, level: AccessLevel = AccessLevel.READ_ONLY, **owner: Any) -> str:
    _, text = await api_keys.create(context, api_keys.NewApiKey("bench", level, owner=OwnerChoice(**owner)))
    assert text is not None
    return text
