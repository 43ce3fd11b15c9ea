"""Discarding what a lost key has made, so that an installation can start without it.

Nothing that still opens is touched. Each row that changes is audited; running it again does the rest.
"""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

from tortoise import Tortoise
from tortoise.models import Model
from tortoise.transactions import in_transaction

from app.accounts import webhook_secret
from app.accounts.model import Account
from app.api_keys.model import ApiKey
from app.audit import trail
from app.audit.audited_update import update_row
from app.calls.model import Call
from app.calls.partitions import hold_months
from app.foundation.access import AccessLevel, Scope, TenantScoped, Viewer
from app.foundation.context import Context, Resources
from app.foundation.encryption import HASH_KEY, CannotOpen, Keyring, encryption_key_name, key_id_of
from app.foundation.idempotency.model import IdempotencyRecord
from app.foundation.key_checks import service as key_checks
from app.foundation.settings import Settings
from app.storage import credentials
from app.storage.model import RecordingConfig, StorageStatus, StoredCredential
from app.storage.settings import stored_draft
from app.storage.verification import fingerprint
from app.users.model import LoginFailure, Session

_BATCH = 500

M = TypeVar("M", bound=Model)


class Discarding:
    """What one key has made, counted or discarded."""

    def __init__(self, settings: Settings, keyring: Keyring, *, really: bool) -> None:
        self._keyring = keyring
        self._really = really
        self._context = Context(Viewer(Scope.ADMIN, AccessLevel.FULL), "", Resources(settings, keyring, {}))

    async def of_encryption_key(self, key_id: str) -> dict[str, int]:
        """How many of each kind of secret this key has sealed that do not open."""
        counts: Counter[str] = Counter()
        for model in Tortoise.apps["models"].values():
            for column in model.sealed if issubclass(model, TenantScoped) else ():
                async for row in _rows(model, f"{column}__not_isnull"):
                    counts[f"{model._meta.db_table}.{column}"] += await self._discard(model, column, row, key_id)
        if self._really:
            await key_checks.forget(encryption_key_name(key_id))
        return {name: count for name, count in counts.items() if count}

    async def of_hash_key(self) -> dict[str, int]:
        """How many of what is known by its hash alone; nothing when HASH_KEY is the one of before.

        Raises CannotOpen, before anything is changed, when a secret that is to be hashed again does not open.
        """
        if HASH_KEY not in await key_checks.wrong_keys(self._keyring):
            return {}
        await self._check_settings_open()
        kinds: dict[str, Callable[[], Awaitable[int]]] = {
            "API keys": self._revoke_keys,
            "sessions": lambda: self._delete(Session),
            "idempotency keys": lambda: self._delete(IdempotencyRecord),
            "failed logins": lambda: self._delete(LoginFailure),
        }
        counts = {kind: await discard() for kind, discard in kinds.items()}
        if self._really:
            await self._hash_settings_again()
            await key_checks.forget(HASH_KEY)
        return {kind: count for kind, count in counts.items() if count}

    async def _discard(self, model: type[TenantScoped], column: str, found: TenantScoped, key_id: str) -> bool:
        if not self._is_lost(found, column, key_id):
            return False
        if self._really:
            async with in_transaction():
                await hold_months()
                of_account = {"account_id": found.account_id} if isinstance(found, StoredCredential) else {}
                row = await model.filter(id=found.pk, **of_account).select_for_update().first()
                if row is not None and self._is_lost(row, column, key_id):  # it may have been replaced meanwhile
                    await self._replace(row, column)
        return True

    def _is_lost(self, row: TenantScoped, column: str, key_id: str) -> bool:
        blob = getattr(row, column)
        try:
            if blob is None or key_id_of(bytes(blob)) != key_id:
                return False
        except CannotOpen:
            return False
        return not self._keyring.opens(bytes(blob), table=row._meta.db_table, column=column, row=row.pk)

    async def _replace(self, row: TenantScoped, column: str) -> None:
        if isinstance(row, StoredCredential):
            await Call.filter(account_id=row.account_id, recording_credential_id=row.id).update(
                recording_credential_id=None
            )
            await trail.record(self._context, row, before={"secret_access_key": row.secret_access_key})
            await StoredCredential.filter(account_id=row.account_id, id=row.id).delete()
            return
        await update_row(self._context, type(row), row.pk, self._without(row, column))

    def _without(self, row: TenantScoped, column: str) -> dict[str, object]:
        """The columns of a row without one secret, and what the database's checks ask for then."""
        if column == "webhook_secret":
            table = Account._meta.db_table
            return {column: self._keyring.seal(webhook_secret.generate(), table=table, column=column, row=row.pk)}
        if column == "previous_webhook_secret":
            return {column: None, "previous_webhook_secret_expires_at": None}
        if isinstance(row, RecordingConfig):
            row.access_key_id = row.secret_access_key = None
            return {
                "enabled": False,
                "access_key_id": None,
                "secret_access_key": None,
                "secret_access_key_set_at": None,
                **self._unverified(row),
            }
        return {column: None, f"{column.removesuffix('_password')}_username": None}

    def _unverified(self, row: RecordingConfig) -> dict[str, object]:
        draft = stored_draft(self._keyring, row)
        return {
            "fingerprint": fingerprint(self._keyring, draft),
            "storage_status": StorageStatus.UNVERIFIED,
            "storage_status_since": datetime.now(UTC),
            "last_verification": None,
        }

    async def _revoke_keys(self) -> int:
        count = 0
        async for key in _rows(ApiKey, "revoked_at__isnull"):
            count += 1
            if self._really:
                await update_row(self._context, ApiKey, key.id, {"revoked_at": datetime.now(UTC)})
        return count

    async def _delete(self, model: type[Model]) -> int:
        return await model.all().delete() if self._really else await model.all().count()

    async def _check_settings_open(self) -> None:
        async for config in _rows(RecordingConfig):
            stored_draft(self._keyring, config)
        async for kept in _rows(StoredCredential):
            credentials.open_secret(self._keyring, kept)

    async def _hash_settings_again(self) -> None:
        """Storage settings and keys are compared by keyed hashes; their secrets are sealed, and open."""
        async for config in _rows(RecordingConfig):
            await RecordingConfig.filter(id=config.id).update(**self._unverified(config))
        async for kept in _rows(StoredCredential):
            secret = credentials.open_secret(self._keyring, kept)
            keys = (kept.vendor.name, kept.endpoint_url, kept.access_key_id, secret)
            again = credentials.fingerprint(self._keyring, *keys)
            await StoredCredential.filter(account_id=kept.account_id, id=kept.id).update(fingerprint=again)


async def _rows(model: type[M], condition: str | None = None) -> AsyncIterator[M]:
    """All rows in the order of their ids, some at a time; where the condition is true, if there is one."""
    of_table = model.filter(**({condition: True} if condition else {})).order_by("id").limit(_BATCH)
    rows = await of_table
    while rows:
        for row in rows:
            yield row
        rows = await of_table.filter(id__gt=rows[-1].pk)
