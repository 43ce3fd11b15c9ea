"""Retention of stored credentials: which are in use by recordings, and their removal."""

# ruff: noqa: S608  names and states are constants; values are parameters

import hmac
from uuid import UUID

from tortoise import connections
from tortoise.queryset import QuerySet
from tortoise.transactions import in_transaction

from app.accounts.lookup import ACCOUNTS
from app.audit import trail
from app.audit.rows import Rows
from app.calls.model import Call, RecordingState
from app.calls.partitions import hold_months
from app.foundation.context import Context
from app.foundation.encryption import Keyring
from app.foundation.identifiers import Kind
from app.foundation.user_errors import UserErrorCode, UserErrorRule, UserErrors
from app.storage.credentials import fingerprint
from app.storage.model import RecordingConfig, StoredCredential
from app.storage.settings import stored_secret

MAXIMUM_COUNT = 1_000
_IN_PROGRESS = (RecordingState.RECORDING, RecordingState.STORING)
_USING = (*_IN_PROGRESS, RecordingState.STORED, RecordingState.FAILED)
_AUDITED = ("vendor", "endpoint_url", "access_key_id", "secret_access_key")
_CREDENTIALS = Rows(StoredCredential, Kind.STORED_CREDENTIAL, "stored credential")


class StoredCredentialRule(UserErrorRule):
    CREDENTIAL_UPLOADING = (
        UserErrorCode.CONFLICT,
        "A recording is being uploaded with these keys: try again when it is stored.",
    )
    CREDENTIAL_IN_USE = (
        UserErrorCode.IN_USE,
        "Recordings use these keys: {count}, counted up to {maximum}. Send `force: true` to remove the keys anyway.",
    )


async def is_current(context: Context, credential: StoredCredential) -> bool:
    """Whether the account's configuration has the same keys. Batched over the rows of a response."""

    async def load(account_ids: list[UUID]) -> list[RecordingConfig | None]:
        found = await context.viewer.visible(RecordingConfig).filter(account_id__in=account_ids)
        of_account = {config.account_id: config for config in found}
        return [of_account.get(account_id) for account_id in account_ids]

    config = await context.loader("configurations of credentials", load).load(credential.account_id)
    return config is not None and _has_keys(context.keyring, config, credential)


async def recording_count(context: Context, credential_id: UUID) -> int:
    """How many recordings use it, counted up to MAXIMUM_COUNT. Batched over the rows of a response."""

    async def load(ids: list[UUID]) -> list[int]:
        counted = await _count_recordings(await context.viewer.visible(StoredCredential).filter(id__in=ids))
        return [counted.get(one, 0) for one in ids]

    number: int = await context.loader("recordings of credentials", load).load(credential_id)
    return number


async def remove(context: Context, credential_id: str, *, force: bool) -> UUID:
    """Returns the id. Recordings that used it then play with the account's present keys, if these open the bucket.

    Raises UserErrors: NOT_FOUND; IN_USE while recordings use it, unless `force`; CONFLICT while an upload is in
    progress.
    """
    credential = await _CREDENTIALS.get(context, credential_id)
    async with in_transaction():
        await hold_months()
        if await ACCOUNTS.lock(context.viewer, credential.account_id) is None:
            raise _CREDENTIALS.not_found()
        # Lock the row: a beginning recording waits on its foreign key and then finds it missing.
        query = StoredCredential.filter(account_id=credential.account_id, id=credential.id)
        locked = await query.select_for_update().get_or_none()
        if locked is None:
            raise _CREDENTIALS.not_found()
        calls = Call.filter(account_id=locked.account_id, recording_credential_id=locked.id)
        await _check_unused(locked, calls, force=force)
        await calls.update(recording_credential_id=None)
        await trail.record(context, locked, before={name: getattr(locked, name) for name in _AUDITED})
        await query.delete()
    return locked.id


async def lock(account_id: UUID, credential_id: UUID) -> StoredCredential | None:
    """Locks the credential until the transaction ends: before its calls, in the order of `remove`, against deadlocks."""
    return await StoredCredential.filter(account_id=account_id, id=credential_id).select_for_update().get_or_none()


async def delete_if_unused(context: Context, account_id: UUID, credential_id: UUID) -> bool:
    """Removes a credential that no call refers to and the account does not use.

    In the caller's transaction, which has locked the credential.
    """
    query = StoredCredential.filter(account_id=account_id, id=credential_id)
    credential = await query.get_or_none()
    if credential is None or await Call.filter(account_id=account_id, recording_credential_id=credential_id).exists():
        return False
    config = await RecordingConfig.get_or_none(account_id=account_id)
    if config is not None and _has_keys(context.keyring, config, credential):
        return False
    return await query.delete() > 0


def _has_keys(keyring: Keyring, config: RecordingConfig, credential: StoredCredential) -> bool:
    secret = stored_secret(keyring, config)
    if config.bucket_vendor is None or config.access_key_id is None or secret is None:
        return False
    present = fingerprint(keyring, config.bucket_vendor.name, config.endpoint_url, config.access_key_id, secret)
    return hmac.compare_digest(present, bytes(credential.fingerprint))


async def _check_unused(credential: StoredCredential, calls: QuerySet[Call], *, force: bool) -> None:
    if await calls.filter(recording_state__in=list(_IN_PROGRESS)).exists():
        raise UserErrors.one(StoredCredentialRule.CREDENTIAL_UPLOADING, "id")
    count = (await _count_recordings([credential])).get(credential.id, 0)
    if count and not force:
        raise UserErrors.one(StoredCredentialRule.CREDENTIAL_IN_USE, "id", count=count, maximum=MAXIMUM_COUNT)


async def _count_recordings(credentials: list[StoredCredential]) -> dict[UUID, int]:
    """By id, how many recordings use these credentials, which are visible to the caller."""
    if not credentials:
        return {}
    client = connections.get("default")
    states = ", ".join(f"'{state.value}'" for state in _USING)
    # LIMIT: read no more rows than are reported.
    sql = (
        "SELECT s.id, (SELECT COUNT(*) FROM (SELECT 1 FROM calls c WHERE c.account_id = s.account_id "
        f"AND c.recording_credential_id = s.id AND c.recording_state IN ({states}) LIMIT {MAXIMUM_COUNT}) found) AS total "
        f"FROM stored_credentials s WHERE s.id = ANY($1)"
    )
    rows = await client.execute_query_dict(sql, [[credential.id for credential in credentials]])
    return {row["id"]: row["total"] for row in rows}
