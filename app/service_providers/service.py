"""What is done with service providers."""

from dataclasses import dataclass
from uuid import UUID

from strawberry import Some
from tortoise.expressions import Q
from tortoise.transactions import in_transaction

from app.accounts.model import Account
from app.api_keys.model import ApiKey
from app.audit import trail
from app.audit.audited_update import Columns
from app.foundation import names
from app.foundation.access import Scope
from app.foundation.context import Context
from app.foundation.errors import ErrorCollector, UserErrorCode
from app.foundation.idempotency.run_once import once
from app.foundation.revocations import EVERYTHING, Revocations
from app.service_providers.lookup import SERVICE_PROVIDERS
from app.service_providers.model import ServiceProvider
from app.users import service as users
from app.users import uniqueness
from app.users.model import User
from app.users.uniqueness import Unique

_NAME = Unique(
    "service_providers_name_unique",
    "name",
    "name_key",
    UserErrorCode.NAME_TAKEN,
    "There is a service provider named “{}” already.",
    hidden_from=frozenset({Scope.ACCOUNT, Scope.SERVICE_PROVIDER}),
)


async def create(context: Context, name: str, idempotency_key: str | None = None) -> ServiceProvider:
    """Raises UserErrors for a name that is not allowed or taken, and for an idempotency key with another input."""
    reachable = context.viewer.visible(ServiceProvider)
    provider, _ = await once(context, idempotency_key, {"name": name}, lambda: _create(context, name), reachable)
    return provider


async def _create(context: Context, name: str) -> ServiceProvider:
    problems = ErrorCollector()
    values = _columns(name, problems)
    problems.raise_if_any()
    async with uniqueness.answered(context, ServiceProvider, [_NAME], values), in_transaction():
        provider = await ServiceProvider.create(**values)
        await trail.record(context, provider, after=values)
    return provider


@dataclass(frozen=True)
class ServiceProviderPatch:
    """What an input changes; None is what it leaves out, Some(None) an explicit null."""

    name: Some[str | None] | None = None
    if_version: int | None = None


async def update(context: Context, provider_id: str, patch: ServiceProviderPatch) -> ServiceProvider:
    """Changes what is given and nothing else. Raises UserErrors: NOT_FOUND, CONFLICT, or all that is wrong with the values."""
    problems = ErrorCollector()
    values = _columns(patch.name.value, problems) if patch.name is not None else {}

    async def stored() -> ServiceProvider:
        return await SERVICE_PROVIDERS.get(context, provider_id)

    async with uniqueness.answered(context, ServiceProvider, [_NAME], values, stored):
        if values and not problems.found:
            return await SERVICE_PROVIDERS.changed(context, provider_id, values, patch.if_version)
    provider = await stored()
    SERVICE_PROVIDERS.check_version(provider.version, patch.if_version, problems)
    problems.raise_if_any()
    return provider


async def set_active(context: Context, provider_id: str, active: bool, if_version: int | None) -> ServiceProvider:
    """Suspends or resumes; suspended, every key under it, its accounts' too, is closed within 5 s.

    Raises UserErrors: NOT_FOUND, CONFLICT.
    """
    provider = await SERVICE_PROVIDERS.changed(context, provider_id, {"active": active}, if_version)
    # What was looked up of its accounts' keys does not say that it rests on their provider.
    context.use(Revocations).announce(EVERYTHING)
    return provider


@dataclass(frozen=True)
class Blockers:
    """How many things stand in the way of a deletion. Accounts always do; the others go with it by `force`."""

    accounts: int
    api_keys: int
    users: int

    def __bool__(self) -> bool:
        return self.accounts + self.api_keys + self.users > 0


async def delete(
    context: Context, provider_id: str, *, dry_run: bool, force: bool, if_version: int | None
) -> tuple[UUID | None, Blockers]:
    """Deletes a service provider without accounts in one transaction, or tells what stands in the way.

    Answers the id that was deleted (None: nothing was) and what stood or stands in the way. Raises UserErrors: NOT_FOUND,
    CONFLICT.
    """
    async with in_transaction():
        # The lock keeps new accounts and keys from coming in between count and deletion: their foreign key waits for it.
        provider = await SERVICE_PROVIDERS.locked(context, provider_id, no_key=False)
        SERVICE_PROVIDERS.check_version(provider.version, if_version)
        blockers = Blockers(
            accounts=await Account.filter(service_provider_id=provider.id).count(),
            api_keys=await ApiKey.filter(service_provider_id=provider.id).count(),
            users=await User.filter(service_provider_id=provider.id).count(),
        )
        if dry_run or blockers.accounts or (blockers and not force):
            return None, blockers
        await ApiKey.filter(service_provider_id=provider.id).delete()
        await users.delete_all(Q(service_provider_id=provider.id))
        await trail.record(context, provider, before={"name": provider.name})
        await ServiceProvider.filter(id=provider.id).delete()
    # Its people may have made keys of accounts that have moved since, and these end with the people.
    context.use(Revocations).announce(EVERYTHING)
    return provider.id, blockers


def _columns(name: str | None, problems: ErrorCollector) -> Columns:
    """The columns to write. What is wrong goes to `problems`."""
    checked = names.checked(name, problems, "name")
    return {} if problems.found else {"name": checked, "name_key": names.key(checked)}
