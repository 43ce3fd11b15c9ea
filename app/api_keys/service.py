"""Creates, changes, revokes, rotates and adopts API keys. No key exceeds its creator's scope or expiry."""

from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta

from strawberry import Some
from tortoise.expressions import Q
from tortoise.transactions import in_transaction

from app.accounts.lookup import ACCOUNTS
from app.api_keys import allowed_networks, token
from app.api_keys.model import ApiKey
from app.api_keys.owner import Owner, OwnerChoice, lock_owner
from app.audit import trail
from app.audit.audited_update import Columns, update_row
from app.audit.rows import Rows
from app.foundation import names, quotas
from app.foundation.access import Scope, Viewer
from app.foundation.context import Context
from app.foundation.encryption import Keyring
from app.foundation.idempotency.run_once import run_once
from app.foundation.identifiers import Kind, first_at
from app.foundation.permissions import AccessLevel, Permission, permissions_of_level
from app.foundation.revocations import Revocations
from app.foundation.secret_overlap import check_overlap
from app.foundation.user_errors import ErrorCollector, UserErrorCode, UserErrorRule, UserErrors
from app.users.credential_check import creator_columns, permissions_of_key, require_valid_credential
from app.users.grants import OF_KEYS, check_grant, custom_permissions, require_permissions_of

API_KEYS = Rows(ApiKey, Kind.API_KEY, "API key")


class ApiKeyRule(UserErrorRule):
    TOKEN_ALREADY_SHOWN = (
        UserErrorCode.ALREADY_SHOWN,
        "An earlier request with this idempotency key created the key and returned its token, which is shown only once.",
    )
    EXPIRY_YEAR_RANGE = UserErrorCode.OUT_OF_RANGE, "The expiry must be in the years {minimum} to {maximum}, in UTC."
    EXPIRY_IN_THE_PAST = UserErrorCode.OUT_OF_RANGE, "The expiry must be in the future."
    EXPIRY_AFTER_CREATOR = (
        UserErrorCode.OUT_OF_RANGE,
        "The key cannot outlive the key that creates it, which expires at {latest}.",
    )
    API_KEY_REVOKED_OR_EXPIRED = (
        UserErrorCode.INVALID,
        "A revoked or expired key cannot be rotated. Create a new one.",
    )
    API_KEY_OUTLIVES_CALLER = (
        UserErrorCode.INVALID,
        "The key outlives the caller's credential. Rotate it with one that lasts at least as long.",
    )
    API_KEY_QUOTA = (
        UserErrorCode.LIMIT_REACHED,
        "The {owner} has {maximum:,} valid API keys, as many as this server allows. Revoke one first.",
    )
    NEW_API_KEY_QUOTA = (
        UserErrorCode.LIMIT_REACHED,
        "The {owner} got {maximum:,} new API keys within 24 hours, as many as this server allows. Try again tomorrow.",
    )


@dataclass(frozen=True)
class NewApiKey:
    name: str
    access_level: AccessLevel = AccessLevel.FULL
    expires_at: datetime | None = None
    owner: OwnerChoice = OwnerChoice()
    permissions: tuple[Permission, ...] | None = None
    """Only for the access level CUSTOM."""
    allowed_networks: tuple[str, ...] | None = None
    """In CIDR notation; None allows every address."""


async def create(context: Context, new: NewApiKey, idempotency_key: str | None = None) -> tuple[ApiKey, str | None]:
    """Returns the new key and its token, which cannot be retrieved again.

    The token is None if an earlier request with this idempotency key created the key. Raises UserErrors: all errors of name,
    expiry and owner; LIMIT_REACHED; CONFLICT for the idempotency key. Raises Unauthenticated if the caller's credential has been
    revoked.
    """
    made = token.make()
    visible = context.viewer.visible(ApiKey)
    key, is_new = await run_once(context, idempotency_key, new, lambda: _create(context, new, made), visible)
    return key, made.text if is_new else None


async def _create(context: Context, new: NewApiKey, made: token.Token) -> ApiKey:
    viewer, errors = context.viewer, ErrorCollector()
    checked = names.checked(new.name, errors, "name")
    expires_at = _checked_expiry(viewer, new.expires_at, errors)
    is_custom = new.access_level is AccessLevel.CUSTOM
    own = custom_permissions(is_custom, new.permissions, OF_KEYS, errors)
    networks = allowed_networks.checked(new.allowed_networks, errors)
    granted = permissions_of_level(new.access_level, own)
    scope = new.owner.scope_for(viewer)
    check_grant(viewer, scope, granted, "API key", errors, "permissions" if is_custom else "accessLevel")
    async with in_transaction():
        owner = await lock_owner(viewer, new.owner, errors)
        await require_valid_credential(viewer)
        errors.raise_if_any()
        await _check_quota(owner, context.resources.settings.api_keys_per_owner)
        key = await ApiKey.create(
            **owner.columns,
            access_level=new.access_level,
            permissions=own,
            name=checked,
            public_id=made.public_id,
            secret_hash=token.secret_hash(context.keyring, made),
            expires_at=expires_at,
            allowed_networks=networks,
            **await creator_columns(viewer),
            **trail.updated_by(context),
        )
        after = {"name": checked, "access_level": new.access_level, "scope": owner.scope, "expires_at": expires_at}
        after |= {"permissions": own} if is_custom else {}
        after |= {"allowed_networks": networks} if networks else {}
        await trail.record(context, key, after=after)
    return key


async def _check_quota(owner: Owner, maximum: int) -> None:
    """Limits the valid keys, and all keys created within 24 hours: revoked and expired keys remain as rows.

    Raises UserErrors LIMIT_REACHED.
    """
    if not owner.has_quota:
        return
    now, keys = datetime.now(UTC), ApiKey.filter(**owner.columns)
    valid = keys.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=now), revoked_at__isnull=True)
    await quotas.check(valid, maximum, ApiKeyRule.API_KEY_QUOTA, owner=owner.noun)
    recent = keys.filter(id__gte=first_at(now - timedelta(days=1)))
    await quotas.check(recent, maximum, ApiKeyRule.NEW_API_KEY_QUOTA, owner=owner.noun)


async def create_first_admin(keyring: Keyring, name: str) -> str:
    """Creates a key of the scope ADMIN without a creator, for a new installation. Returns its token.

    Raises UserErrors for an invalid name.
    """
    made, errors = token.make(), ErrorCollector()
    checked = names.checked(name, errors, "name")
    errors.raise_if_any()
    columns: Columns = {"name": checked, "access_level": AccessLevel.FULL, "scope": Scope.ADMIN}
    async with in_transaction():
        key = await ApiKey.create(**columns, public_id=made.public_id, secret_hash=token.secret_hash(keyring, made))
        await trail.record(None, key, after=columns)
    return made.text


@dataclass(frozen=True)
class ApiKeyPatch:
    """The fields to change. None keeps a field, Some(None) is an explicit null."""

    name: Some[str | None] | None = None
    allowed_networks: Some[list[str] | None] | None = None
    if_version: int | None = None


async def update(context: Context, key_id: str, patch: ApiKeyPatch) -> ApiKey:
    """Raises UserErrors: NOT_FOUND, PERMISSION_MISSING, CONFLICT, or for an invalid name or network."""
    errors = ErrorCollector()
    values: Columns = {}
    if patch.name is not None:
        values["name"] = names.checked(patch.name.value, errors, "name")
    if patch.allowed_networks is not None:
        values["allowed_networks"] = allowed_networks.checked(patch.allowed_networks.value, errors)
    async with in_transaction():
        key = await _locked(context, key_id)
        changed = values and not errors.found
        if changed:
            key = await API_KEYS.update(context, key_id, values, patch.if_version)
    if changed:
        if "allowed_networks" in values:
            context.use(Revocations).announce(key.id)
        return key
    await API_KEYS.check_version(context, key, patch.if_version, errors)
    errors.raise_if_any()
    return key


async def revoke(context: Context, key_id: str) -> ApiKey:
    """Permanently revokes a key; repeating it changes nothing. Raises UserErrors: NOT_FOUND, PERMISSION_MISSING."""
    values = {"revoked_at": datetime.now(UTC)}
    async with in_transaction():
        await _locked(context, key_id)
        revoked = await API_KEYS.try_update(context, key_id, values, where={"revoked_at__isnull": True})
    if revoked is not None:
        context.use(Revocations).announce(revoked.id)
    return revoked or await API_KEYS.get(context, key_id)


async def rotate(context: Context, key_id: str, overlap_hours: int) -> tuple[ApiKey, str]:
    """Gives a key a new secret and returns its new token. The old one stays valid for `overlap_hours`.

    The caller, or the person who created the calling key, becomes the key's creator. The old token ends at once if its creator
    lacked any of the key's permissions: it would gain them from the new creator. Raises UserErrors: NOT_FOUND,
    PERMISSION_MISSING, OUT_OF_RANGE, and INVALID for a key that is revoked, expired or outlives the calling key: the new secret
    would circumvent the calling key's expiry.
    """
    check_overlap(overlap_hours)
    async with in_transaction():
        # Concurrent rotations run one after the other: the second replaces the secret of the first.
        key = await _locked(context, key_id)
        now = datetime.now(UTC)
        if key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now):
            raise UserErrors.one(ApiKeyRule.API_KEY_REVOKED_OR_EXPIRED, "id")
        caller_expires_at = context.viewer.expires_at
        if caller_expires_at is not None and (key.expires_at is None or key.expires_at > caller_expires_at):
            raise UserErrors.one(ApiKeyRule.API_KEY_OUTLIVES_CALLER, "id")
        own = permissions_of_level(key.access_level, key.permissions)
        overlaps = overlap_hours > 0 and await permissions_of_key(key) == own
        made = token.make(key.public_id)
        secrets = {
            "secret_hash": token.secret_hash(context.keyring, made),
            "previous_secret_hash": key.secret_hash if overlaps else None,
            "previous_secret_expires_at": now + timedelta(hours=overlap_hours) if overlaps else None,
            "previous_secret_last_used_at": None,
            "rotated_at": now,
            **await creator_columns(context.viewer),
        }
        rotated = API_KEYS.require(await update_row(context, ApiKey, key.id, secrets))
    context.use(Revocations).announce(rotated.id)
    return rotated, made.text


async def adopt(context: Context, key_id: str) -> ApiKey:
    """Makes the calling person the key's creator: it no longer depends on its former one. The secret stays the same.

    Raises UserErrors: NOT_FOUND, PERMISSION_MISSING.
    """
    async with in_transaction():
        key = await _locked(context, key_id)
        creator = await creator_columns(context.viewer)
        adopted = API_KEYS.require(await update_row(context, ApiKey, key.id, creator))
    context.use(Revocations).announce(adopted.id)
    return adopted


async def _locked(context: Context, key_id: str) -> ApiKey:
    """Locks a key, in a transaction, and requires that the caller has all permissions granted to it.

    The check precedes the lock: only a move of the account changes a key's permissions, and it only reduces them.

    Raises UserErrors: NOT_FOUND, PERMISSION_MISSING; and what `require_valid_credential` raises.
    """
    found = await API_KEYS.get(context, key_id)
    require_permissions_of(
        context.viewer, found.scope, permissions_of_level(found.access_level, found.permissions), "API key"
    )
    if found.account_id is not None and await ACCOUNTS.lock(context.viewer, found.account_id) is None:
        raise API_KEYS.not_found()
    await require_valid_credential(context.viewer)
    return API_KEYS.require(await ApiKey.filter(id=found.id).select_for_update().get_or_none())


def _checked_expiry(viewer: Viewer, expires_at: datetime | None, errors: ErrorCollector) -> datetime | None:
    if expires_at is None:
        return viewer.expires_at  # no key outlives its creator
    try:
        in_utc = (expires_at if expires_at.tzinfo else expires_at.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        errors.add(ApiKeyRule.EXPIRY_YEAR_RANGE, "expiresAt", minimum=MINYEAR, maximum=MAXYEAR)
        return None
    if in_utc <= datetime.now(UTC):
        errors.add(ApiKeyRule.EXPIRY_IN_THE_PAST, "expiresAt")
    elif viewer.expires_at is not None and in_utc > viewer.expires_at:
        latest = viewer.expires_at.isoformat(timespec="seconds")
        errors.add(ApiKeyRule.EXPIRY_AFTER_CREATOR, "expiresAt", latest=latest)
    return in_utc
