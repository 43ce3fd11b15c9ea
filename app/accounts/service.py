"""What is done with accounts."""

import ipaddress
import re
import secrets
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import idna
from strawberry import Some
from tortoise.exceptions import IntegrityError
from tortoise.expressions import Q
from tortoise.transactions import in_transaction

from app import names
from app.access import Scope
from app.accounts.model import Account, UsageUnit
from app.api_keys.model import ApiKey
from app.changing import change
from app.context import Context
from app.database import violated_constraint
from app.encryption import Keyring
from app.errors import Mistakes, Problems, UserErrorCode
from app.identifiers import Kind, new_id, read
from app.recording.model import RecordingConfig
from app.service_providers.model import ServiceProvider
from app.users import service as users
from app.users.model import User

MAXIMUM_SIP_REALM = 132
# GraphQL's Int; the columns hold no more either.
_MAXIMUM_INT = 2**31 - 1
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


@dataclass(frozen=True)
class Limit:
    """A usage limit; 0 means unlimited."""

    unit: UsageUnit
    maximum: int


async def create(
    context: Context,
    *,
    service_provider_id: str | None,
    name: str,
    sip_realm: str | None,
    usage_limit: Limit | None,
    licensed_sessions: int | None,
) -> Account:
    """An account of the caller's own provider; an admin says of which. Raises Mistakes, all of them at once."""
    problems = Problems()
    provider_id = await _provider(context, service_provider_id, problems)
    values: dict[str, Any] = {}
    _read_name(name, values, problems)
    if sip_realm is not None:
        _read_sip_realm(sip_realm, values, problems)
    if usage_limit is not None:
        _read_limit(usage_limit, values, problems)
    if licensed_sessions is not None:
        _read_licensed_sessions(licensed_sessions, values, problems)
    if provider_id is not None:
        await _find_taken(values, provider_id, None, problems)
    problems.raise_if_any()
    account_id = new_id()
    try:
        return await Account.create(
            id=account_id,
            service_provider_id=provider_id,
            webhook_secret=_sealed(context.keyring, account_id, _new_webhook_secret()),
            **values,
        )
    except IntegrityError as error:
        raise _taken(error, values) from None


async def update(
    context: Context,
    account_id: str,
    if_version: int | None,
    *,
    name: Some[str | None] | None,
    sip_realm: Some[str | None] | None,
    usage_limit: Some[Limit | None] | None,
    licensed_sessions: Some[int | None] | None,
) -> Account:
    """Changes what is given and nothing else. Raises Mistakes: NOT_FOUND, CONFLICT, or all that is wrong with the values."""
    values, problems = _read_changes(name, sip_realm, usage_limit, licensed_sessions)
    refusal: Exception | None = None
    if values and not problems.found:
        try:
            changed = await _change(context, account_id, if_version, values)
            if changed is not None:
                return changed
        except IntegrityError as error:
            refusal = _taken(error, values)
    account = await _explained(context, account_id, if_version, values, problems)
    if values:  # what stood in the way when it was tried is gone since
        raise refusal or _conflict(if_version)
    return account


async def set_active(context: Context, account_id: str, active: bool, if_version: int | None) -> Account:
    """Suspends or resumes; suspended, every key under the account is closed within 5 s. Raises Mistakes: NOT_FOUND, CONFLICT."""
    changed = await _change(context, account_id, if_version, {"active": active}, where={"active": not active})
    if changed is not None:
        return changed
    account = await within_reach(context, account_id)
    if if_version not in (None, account.version):
        raise _conflict(if_version)
    if account.active != active:  # somebody has turned it since it was tried
        return await set_active(context, account_id, active, if_version)
    return account


async def rotate_webhook_secret(context: Context, account_id: str, if_version: int | None) -> Account:
    """Raises Mistakes: NOT_FOUND, CONFLICT."""
    row_id = read(Kind.ACCOUNT, account_id)
    if row_id is None:
        raise _not_found("accountId")
    sealed = _sealed(context.keyring, row_id, _new_webhook_secret())
    changed = await _change(context, account_id, if_version, {"webhook_secret": sealed})
    if changed is not None:
        return changed
    await within_reach(context, account_id, "accountId")
    raise _conflict(if_version)


def webhook_secret(keyring: Keyring, account_id: UUID, sealed: bytes) -> str:
    return keyring.open(sealed, table="accounts", column="webhook_secret", row=account_id)


@dataclass(frozen=True)
class Blockers:
    """How many things stand in the way of a deletion."""

    api_keys: int
    users: int

    def __bool__(self) -> bool:
        return self.api_keys + self.users > 0


async def delete(
    context: Context, account_id: str, *, dry_run: bool, force: bool, if_version: int | None
) -> tuple[UUID | None, Blockers]:
    """Deletes an account in one transaction, or tells what stands in the way.

    Answers the id that was deleted (None: nothing was) and what stood or stands in the way. Recordings in the customer's
    bucket are not touched. Raises Mistakes: NOT_FOUND, CONFLICT.
    """
    found = await within_reach(context, account_id)
    async with in_transaction():
        # The lock keeps new keys from coming in between count and deletion: their foreign key waits for it.
        account = await Account.filter(id=found.id).select_for_update().get_or_none()
        if account is None:
            raise _not_found("id")
        problems = Problems()
        _check_version(account, if_version, problems)
        problems.raise_if_any()
        blockers = Blockers(
            api_keys=await ApiKey.filter(account_id=account.id).count(),
            users=await User.filter(account_id=account.id).count(),
        )
        if dry_run or (blockers and not force):
            return None, blockers
        await ApiKey.filter(account_id=account.id).delete()
        await users.delete_all(Q(account_id=account.id))
        await RecordingConfig.filter(account_id=account.id).delete()
        await Account.filter(id=account.id).delete()
    return account.id, blockers


async def within_reach(context: Context, account_id: str, *path: str) -> Account:
    """The account, or Mistakes NOT_FOUND under `path` (default: `id`): in the same words for another tenant's."""
    row_id = read(Kind.ACCOUNT, account_id)
    account = await context.viewer.within_reach(Account).get_or_none(id=row_id) if row_id else None
    if account is None:
        raise _not_found(*(path or ("id",)))
    return account


def _not_found(*path: str) -> Mistakes:
    return Mistakes.one(UserErrorCode.NOT_FOUND, "There is no such account.", *path)


async def _provider(context: Context, given: str | None, problems: Problems) -> UUID | None:
    viewer = context.viewer
    if given is None:
        if viewer.scope is Scope.ADMIN:
            message = "Say which service provider runs the account; an admin belongs to none."
            problems.add(UserErrorCode.REQUIRED, message, "serviceProviderId")
        return viewer.service_provider_id
    provider_id = read(Kind.SERVICE_PROVIDER, given)
    if provider_id is None or not await viewer.within_reach(ServiceProvider).filter(id=provider_id).exists():
        problems.add(UserErrorCode.NOT_FOUND, "There is no such service provider.", "serviceProviderId")
        return None
    return provider_id


def _read_changes(
    name: Some[str | None] | None,
    sip_realm: Some[str | None] | None,
    usage_limit: Some[Limit | None] | None,
    licensed_sessions: Some[int | None] | None,
) -> tuple[dict[str, Any], Problems]:
    """The columns to write, and all that is wrong with the others."""
    values: dict[str, Any] = {}
    problems = Problems()
    if name is not None:
        _read_name(name.value, values, problems)
    if sip_realm is not None:
        if sip_realm.value is None:
            values["sip_realm"] = None
        else:
            _read_sip_realm(sip_realm.value, values, problems)
    if usage_limit is not None:
        _read_limit(usage_limit.value, values, problems)
    if licensed_sessions is not None:
        _read_licensed_sessions(licensed_sessions.value, values, problems)
    return values, problems


def _read_name(name: str | None, values: dict[str, Any], problems: Problems) -> None:
    found_before = len(problems.found)
    checked = names.checked(name, problems, "name")
    if len(problems.found) == found_before:  # the database is not asked about a name that it may not even hold
        values |= {"name": checked, "name_key": names.key(checked)}


def _read_sip_realm(text: str, values: dict[str, Any], problems: Problems) -> None:
    """A DNS host name of two labels or more (RFC 1123, 2.1); internationalised ones as A-labels (RFC 5891)."""
    trimmed = text.strip()
    if len(trimmed) > MAXIMUM_SIP_REALM:
        message = f"The SIP realm has {len(trimmed)} characters; at most {MAXIMUM_SIP_REALM} are allowed."
        problems.add(UserErrorCode.TOO_LONG, message, "sipRealm")
        return
    realm = _as_dns_writes(trimmed)
    if realm.count(".") < 1 or realm.endswith(".") or _is_number(realm.rpartition(".")[2]):
        message = (
            "The SIP realm must be a domain name of two labels or more, such as sip.example.com, or null for none."
        )
        problems.add(UserErrorCode.INVALID, message, "sipRealm")
    elif len(realm) > MAXIMUM_SIP_REALM:
        message = (
            f"As DNS writes it the SIP realm has {len(realm)} characters; at most {MAXIMUM_SIP_REALM} are allowed."
        )
        problems.add(UserErrorCode.TOO_LONG, message, "sipRealm")
    else:
        values["sip_realm"] = realm


def _as_dns_writes(name: str) -> str:
    """A host name in lower case and A-labels; empty when it is none."""
    # Most are written so already, and idna looks at each letter several times.
    if _IN_A_LABELS.fullmatch(name):
        return name
    try:
        return idna.encode(name, uts46=True, std3_rules=True).decode().lower()
    except (idna.IDNAError, UnicodeError):
        return ""


# Hyphens in the third and fourth place are for A-labels, which idna has to look at (RFC 5891, 4.2.3.1).
_LABEL = r"(?!..--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_IN_A_LABELS = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}", re.ASCII)


def _is_number(label: str) -> bool:
    # A name whose last label is a number would be read as an IPv4 address (RFC 3696, 2).
    try:
        ipaddress.IPv4Address(int(label, 0))
    except ValueError:
        return label.isdigit()
    return True


def _read_limit(limit: Limit | None, values: dict[str, Any], problems: Problems) -> None:
    if limit is None:
        problems.add(
            UserErrorCode.REQUIRED, "A usage limit cannot be cleared; a maximum of 0 means unlimited.", "usageLimit"
        )
    elif limit.maximum < 0:
        message = f"The maximum is 0 (unlimited) to {_MAXIMUM_INT}."
        problems.add(UserErrorCode.OUT_OF_RANGE, message, "usageLimit", "maximum")
    else:
        values |= {"usage_unit": limit.unit, "usage_maximum": limit.maximum}


def _read_licensed_sessions(count: int | None, values: dict[str, Any], problems: Problems) -> None:
    if count is None:
        problems.add(UserErrorCode.REQUIRED, "Licensed sessions cannot be cleared; 0 is none.", "licensedSessions")
    elif count < 0:
        problems.add(UserErrorCode.OUT_OF_RANGE, f"Licensed sessions are 0 to {_MAXIMUM_INT}.", "licensedSessions")
    else:
        values["licensed_sessions"] = count


async def _change(
    context: Context,
    account_id: str,
    if_version: int | None,
    values: dict[str, Any],
    where: dict[str, Any] | None = None,
) -> Account | None:
    """None when no account matched: see `app/changing.py`."""
    row_id = read(Kind.ACCOUNT, account_id)
    if row_id is None:
        return None
    return await change(context.viewer, Account, row_id, values, if_version=if_version, where=where)


async def _explained(
    context: Context, account_id: str, if_version: int | None, values: dict[str, Any], problems: Problems
) -> Account:
    """Raises Mistakes with all that is wrong with a change; answers the account when nothing is."""
    account = await within_reach(context, account_id)
    _check_version(account, if_version, problems)
    if if_version in (None, account.version):
        # Not for a change that cannot be made anyhow: it would tell others' names without leaving a trace.
        await _find_taken(values, account.service_provider_id, account.id, problems)
    problems.raise_if_any()
    return account


def _check_version(account: Account, if_version: int | None, problems: Problems) -> None:
    if if_version is not None and if_version != account.version:
        problems.found += _conflict(if_version).errors


async def _find_taken(values: dict[str, Any], provider_id: UUID, account_id: UUID | None, problems: Problems) -> None:
    """Tells names and realms that are taken beside all else that is wrong; the constraints hold it all the same."""
    others = Account.exclude(id=account_id) if account_id else Account.all()
    key, realm = values.get("name_key"), values.get("sip_realm")
    if key and await others.filter(service_provider_id=provider_id, name_key=key).exists():
        problems.found += _name_taken(values["name"]).errors
    if realm and await others.filter(sip_realm=realm).exists():
        problems.found += _realm_taken(realm).errors


def _taken(error: IntegrityError, values: dict[str, Any]) -> Exception:
    constraint = violated_constraint(error)
    if constraint == "accounts_name_unique":
        return _name_taken(values["name"])
    if constraint == "accounts_sip_realm_unique":
        return _realm_taken(values["sip_realm"])
    return error


def _name_taken(name: str) -> Mistakes:
    message = f"The service provider has an account named “{name}” already (upper and lower case count as the same)."
    return Mistakes.one(UserErrorCode.NAME_TAKEN, message, "name")


def _realm_taken(realm: str) -> Mistakes:
    return Mistakes.one(UserErrorCode.SIP_REALM_TAKEN, f"The SIP realm {realm} belongs to another account.", "sipRealm")


def _conflict(if_version: int | None) -> Mistakes:
    message = f"The account has changed since version {if_version}; load it again."
    return Mistakes.one(UserErrorCode.CONFLICT, message, "ifVersion")


def _new_webhook_secret() -> str:
    return "wh_secret_" + "".join(secrets.choice(_BASE58) for _ in range(22))


def _sealed(keyring: Keyring, account_id: UUID, secret: str) -> bytes:
    return keyring.seal(secret, table="accounts", column="webhook_secret", row=account_id)
