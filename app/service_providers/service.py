"""What is done with service providers."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from strawberry import Some
from tortoise.exceptions import IntegrityError
from tortoise.expressions import Q
from tortoise.transactions import in_transaction

from app import names
from app.access import Scope
from app.accounts.model import Account
from app.api_keys.model import ApiKey
from app.audit import trail
from app.audit.changing import change, conflict
from app.context import Context
from app.database import violated_constraint
from app.errors import Mistakes, Problems, UserErrorCode
from app.idempotency.once import once
from app.identifiers import Kind, read
from app.revocations import EVERYTHING, Revocations
from app.service_providers.finding import lock
from app.service_providers.model import ServiceProvider
from app.users import service as users
from app.users import taken
from app.users.model import User


async def create(context: Context, name: str, idempotency_key: str | None = None) -> ServiceProvider:
    """Raises Mistakes for a name that is not allowed or taken, and for an idempotency key with another input."""
    reachable = context.viewer.within_reach(ServiceProvider)
    provider, _ = await once(
        context,
        idempotency_key,
        {"name": name},
        lambda: _create(context, name),
        reachable,
    )
    return provider


async def _create(context: Context, name: str) -> ServiceProvider:
    problems = Problems()
    checked = names.checked(name, problems, "name")
    problems.raise_if_any()
    try:
        async with in_transaction():
            provider = await ServiceProvider.create(name=checked, name_key=names.key(checked))
            await trail.note(context, provider, after={"name": checked})
        return provider
    except IntegrityError as error:
        raise _taken(error, checked) from None


async def update(
    context: Context, provider_id: str, if_version: int | None, *, name: Some[str | None] | None
) -> ServiceProvider:
    """Changes what is given and nothing else. Raises Mistakes: NOT_FOUND, CONFLICT, or all that is wrong with the values."""
    values, problems = _read_changes(name)
    # Admins see all providers.
    asks_for_others = bool(values) and context.viewer.scope is not Scope.ADMIN
    if asks_for_others and (await _within_reach(context, provider_id)).name != values["name"]:
        await taken.check(context)
    refusal: Exception | None = None
    if values and not problems.found:
        try:
            changed = await _change(context, provider_id, if_version, values)
            if changed is not None:
                return changed
        except IntegrityError as error:
            refusal = _taken(error, values["name"])
    provider = await _within_reach(context, provider_id)
    _check_version(provider, if_version, problems)
    if not problems.found and refusal is not None:
        if asks_for_others and isinstance(refusal, Mistakes):
            await taken.note(context, {"name": values["name"]}, provider)
        raise refusal
    problems.raise_if_any()
    if values:  # it was of another version when it was tried
        raise _conflict(if_version)
    return provider


async def set_active(context: Context, provider_id: str, active: bool, if_version: int | None) -> ServiceProvider:
    """Suspends or resumes; suspended, every key under it, its accounts' too, is closed within 5 s.

    Raises Mistakes: NOT_FOUND, CONFLICT.
    """
    changed = await _change(context, provider_id, if_version, {"active": active}, where={"active": not active})
    if changed is not None:
        # What was looked up of its accounts' keys does not say that it rests on their provider.
        context.use(Revocations).announce(EVERYTHING)
        return changed
    provider = await _within_reach(context, provider_id)
    if if_version not in (None, provider.version):
        raise _conflict(if_version)
    if provider.active != active:  # somebody has turned it since it was tried
        return await set_active(context, provider_id, active, if_version)
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

    Answers the id that was deleted (None: nothing was) and what stood or stands in the way. Raises Mistakes: NOT_FOUND,
    CONFLICT.
    """
    row_id = read(Kind.SERVICE_PROVIDER, provider_id)
    async with in_transaction():
        # The lock keeps new accounts and keys from coming in between count and deletion: their foreign key waits for it.
        provider = await lock(context.viewer, row_id, no_key=False)
        if provider is None:
            raise _not_found()
        problems = Problems()
        _check_version(provider, if_version, problems)
        problems.raise_if_any()
        blockers = Blockers(
            accounts=await Account.filter(service_provider_id=provider.id).count(),
            api_keys=await ApiKey.filter(service_provider_id=provider.id).count(),
            users=await User.filter(service_provider_id=provider.id).count(),
        )
        if dry_run or blockers.accounts or (blockers and not force):
            return None, blockers
        await ApiKey.filter(service_provider_id=provider.id).delete()
        await users.delete_all(Q(service_provider_id=provider.id))
        await trail.note(context, provider, before={"name": provider.name})
        await ServiceProvider.filter(id=provider.id).delete()
    # Its people may have made keys of accounts that have moved since, and these end with the people.
    context.use(Revocations).announce(EVERYTHING)
    return provider.id, blockers


def _read_changes(name: Some[str | None] | None) -> tuple[dict[str, Any], Problems]:
    """The columns to write, and all that is wrong with the others."""
    values: dict[str, Any] = {}
    problems = Problems()
    if name is not None:
        checked = names.checked(name.value, problems, "name")
        if not problems.found:
            values |= {"name": checked, "name_key": names.key(checked)}
    return values, problems


async def _change(
    context: Context,
    provider_id: str,
    if_version: int | None,
    values: dict[str, Any],
    where: dict[str, Any] | None = None,
) -> ServiceProvider | None:
    """None when no provider matched: see `app/audit/changing.py`."""
    row_id = read(Kind.SERVICE_PROVIDER, provider_id)
    if row_id is None:
        return None
    return await change(context, ServiceProvider, row_id, values, if_version=if_version, where=where)


async def _within_reach(context: Context, provider_id: str) -> ServiceProvider:
    """Raises Mistakes NOT_FOUND, in the same words for another provider."""
    row_id = read(Kind.SERVICE_PROVIDER, provider_id)
    provider = await context.viewer.within_reach(ServiceProvider).get_or_none(id=row_id) if row_id else None
    if provider is None:
        raise _not_found()
    return provider


def _not_found() -> Mistakes:
    return Mistakes.one(UserErrorCode.NOT_FOUND, "There is no such service provider.", "id")


def _check_version(provider: ServiceProvider, if_version: int | None, problems: Problems) -> None:
    if if_version not in (None, provider.version):
        problems.found += _conflict(if_version).errors


def _conflict(if_version: int | None) -> Mistakes:
    return conflict("service provider", if_version)


def _taken(error: IntegrityError, name: str) -> Exception:
    if violated_constraint(error) != "service_providers_name_unique":
        return error
    message = f"There is a service provider named “{name}” already."
    return Mistakes.one(UserErrorCode.NAME_TAKEN, message, "name")
