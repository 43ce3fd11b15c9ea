"""Creates, updates, suspends and deletes service providers."""

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
from app.foundation.idempotency.run_once import run_once
from app.foundation.revocations import EVERYTHING, Revocations
from app.foundation.user_errors import ErrorCollector, UserErrorCode, UserErrorRule
from app.service_providers.lookup import SERVICE_PROVIDERS
from app.service_providers.model import ServiceProvider
from app.users import service as users
from app.users import uniqueness
from app.users.model import User
from app.users.uniqueness import UniqueConstraint


class ServiceProviderRule(UserErrorRule):
    SERVICE_PROVIDER_NAME_TAKEN = UserErrorCode.NAME_TAKEN, "There is already a service provider named “{value}”."
    SERVICE_PROVIDER_HAS_ACCOUNTS = (
        UserErrorCode.IN_USE,
        "The service provider still runs {accounts} account(s). Move or delete them first.",
    )
    SERVICE_PROVIDER_IN_USE = (
        UserErrorCode.IN_USE,
        "The service provider still has {contents}. Delete them too with `force: true`.",
    )


_NAME = UniqueConstraint(
    "service_providers_name_unique",
    "name",
    "name_key",
    ServiceProviderRule.SERVICE_PROVIDER_NAME_TAKEN,
    hidden_from=frozenset({Scope.ACCOUNT, Scope.SERVICE_PROVIDER}),
)


async def create(context: Context, name: str, idempotency_key: str | None = None) -> ServiceProvider:
    """Raises UserErrors for an invalid or taken name, and for an idempotency key used before with another input."""
    visible = context.viewer.visible(ServiceProvider)
    provider, _ = await run_once(context, idempotency_key, {"name": name}, lambda: _create(context, name), visible)
    return provider


async def _create(context: Context, name: str) -> ServiceProvider:
    errors = ErrorCollector()
    values = _columns(name, errors)
    errors.raise_if_any()
    async with uniqueness.report_violations(context, ServiceProvider, [_NAME], values), in_transaction():
        provider = await ServiceProvider.create(**values, **trail.updated_by(context))
        await trail.record(context, provider, after=values)
    return provider


@dataclass(frozen=True)
class ServiceProviderPatch:
    """The fields to change. None keeps a field, Some(None) is an explicit null."""

    name: Some[str | None] | None = None
    if_version: int | None = None


async def update(context: Context, provider_id: str, patch: ServiceProviderPatch) -> ServiceProvider:
    """Changes the given fields. Raises UserErrors: NOT_FOUND, CONFLICT and all invalid values."""
    errors = ErrorCollector()
    values = _columns(patch.name.value, errors) if patch.name is not None else {}

    async def stored() -> ServiceProvider:
        return await SERVICE_PROVIDERS.get(context, provider_id)

    async with uniqueness.report_violations(context, ServiceProvider, [_NAME], values, stored):
        if values and not errors.found:
            return await SERVICE_PROVIDERS.update(context, provider_id, values, patch.if_version)
    provider = await stored()
    await SERVICE_PROVIDERS.check_version(context, provider, patch.if_version, errors)
    errors.raise_if_any()
    return provider


async def set_active(context: Context, provider_id: str, active: bool, if_version: int | None) -> ServiceProvider:
    """Suspends or resumes a provider. Suspension locks out all its keys and sessions and its accounts' within 5 seconds.

    Raises UserErrors: NOT_FOUND, CONFLICT.
    """
    provider = await SERVICE_PROVIDERS.update(context, provider_id, {"active": active}, if_version)
    # Cached credentials of its accounts do not name the provider.
    context.use(Revocations).announce(EVERYTHING)
    return provider


@dataclass(frozen=True)
class Blockers:
    """Counts of what blocks a deletion: accounts always, keys and users unless forced."""

    accounts: int
    api_keys: int
    users: int

    def __bool__(self) -> bool:
        return self.accounts + self.api_keys + self.users > 0


async def delete(
    context: Context, provider_id: str, *, dry_run: bool, force: bool, if_version: int | None
) -> tuple[UUID | None, Blockers]:
    """Deletes a service provider without accounts in one transaction. Keys or users in it need `force`.

    Returns the deleted id (None if nothing was deleted) and the blockers. Raises UserErrors: NOT_FOUND, CONFLICT.
    """
    async with in_transaction():
        # The lock blocks inserts of new accounts, keys and users, whose foreign keys refer to the locked row.
        provider = await SERVICE_PROVIDERS.get_locked(context, provider_id, no_key=False)
        await SERVICE_PROVIDERS.check_version(context, provider, if_version)
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
    # Its users may have created keys of accounts that have since moved. Those keys end with their creators.
    context.use(Revocations).announce(EVERYTHING)
    return provider.id, blockers


def _columns(name: str | None, errors: ErrorCollector) -> Columns:
    """The columns to write."""
    checked = names.checked(name, errors, "name")
    return {} if errors.found else {"name": checked, "name_key": names.key(checked)}
