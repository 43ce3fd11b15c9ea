"""`python -m app discard-secrets`: removes what depends on a lost key, so that the server starts without it.

Secrets that can still be decrypted are kept. Each changed row is audited. An interrupted run can be repeated.
"""

import argparse
import asyncio
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
from app.commands.operator_context import Commands, named_database, settings_with
from app.foundation.access import Scope, TenantScoped, Viewer
from app.foundation.context import Context, Resources
from app.foundation.database import orm, schema_version
from app.foundation.encryption import HASH_KEY, CannotOpen, Keyring, encryption_key_name, key_id_of
from app.foundation.idempotency.model import IdempotencyRecord
from app.foundation.key_checks import service as key_checks
from app.foundation.permissions import ALL
from app.foundation.settings import Settings
from app.storage import credentials
from app.storage.model import RecordingConfig, StorageStatus, StoredCredential
from app.storage.settings import stored_draft
from app.storage.verification import fingerprint
from app.users.model import LoginFailure, Session

_BATCH = 500

M = TypeVar("M", bound=Model)


def add_to(commands: Commands) -> None:
    parser = commands.add_parser(
        "discard-secrets",
        help="remove what depends on a lost key, so that the server starts without it; only counts unless --yes is given",
        description="Removes what depends on a lost key: with --encryption-key the secrets that it encrypted (an account gets a "
        "new webhook secret; passwords of webhooks and keys of storages are removed, and their recordings disabled), with "
        "--hash-key all API keys and sessions. Set ENCRYPTION_KEYS and HASH_KEY to the new keys first. Without --yes it only "
        "counts. When both are lost, begin with --encryption-key.",
    )
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--encryption-key", metavar="ID", help="the id of the lost key in ENCRYPTION_KEYS")
    which.add_argument("--hash-key", action="store_true", help="HASH_KEY is lost")
    parser.add_argument("--yes", action="store_true", help="discard them")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    chosen = settings_with(options)
    with named_database(chosen):
        counts = asyncio.run(_discard(chosen, options))
    for name, count in counts.items():
        print(f"{count} {name}{' discarded' if options.yes else ''}")
    if not counts:
        print("Nothing depends on this key.")
    elif not options.yes:
        print("Nothing was changed. Add --yes to discard these.")


async def _discard(chosen: Settings, options: argparse.Namespace) -> dict[str, int]:
    from app.server import schema  # noqa: F401, PLC0415  it registers the audit names of all types; `serve` loads it in the workers

    # Without the time limits of a server: one key may have encrypted many rows.
    async with orm.opened(chosen, migrating=True) as db:
        await schema_version.check(db)
        discard = Discard(chosen, chosen.keyring(), dry_run=not options.yes)
        return await (discard.of_hash_key() if options.hash_key else discard.of_encryption_key(options.encryption_key))


class Discard:
    """Counts what depends on one lost key, and removes it unless `dry_run` is set."""

    def __init__(self, settings: Settings, keyring: Keyring, *, dry_run: bool) -> None:
        self._keyring = keyring
        self._applies = not dry_run
        self._context = Context(Viewer(Scope.ADMIN, ALL), "", Resources(settings, keyring, {}))

    async def of_encryption_key(self, key_id: str) -> dict[str, int]:
        """Returns, by table and column, how many secrets of this key cannot be decrypted."""
        counts: Counter[str] = Counter()
        for model in Tortoise.apps["models"].values():
            for column in model.sealed if issubclass(model, TenantScoped) else ():
                async for row in _rows(model, f"{column}__not_isnull"):
                    counts[f"{model._meta.db_table}.{column}"] += await self._discard(model, column, row, key_id)
        if self._applies:
            await key_checks.forget(encryption_key_name(key_id))
        return {name: count for name, count in counts.items() if count}

    async def of_hash_key(self) -> dict[str, int]:
        """Returns the number of objects stored only as a hash, by kind; empty if HASH_KEY has not changed.

        Raises CannotOpen, before any change, when a secret that must be hashed again cannot be decrypted.
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
        if self._applies:
            await self._hash_settings_again()
            await key_checks.forget(HASH_KEY)
        return {kind: count for kind, count in counts.items() if count}

    async def _discard(self, model: type[TenantScoped], column: str, found: TenantScoped, key_id: str) -> bool:
        if not self._is_lost(found, column, key_id):
            return False
        if self._applies:
            async with in_transaction():
                await hold_months()
                of_account = {"account_id": found.account_id} if isinstance(found, StoredCredential) else {}
                row = await model.filter(id=found.pk, **of_account).select_for_update().first()
                if row is not None and self._is_lost(row, column, key_id):  # it may have been replaced since
                    await self._replace(row, column)
        return True

    def _is_lost(self, row: TenantScoped, column: str, key_id: str) -> bool:
        blob = getattr(row, column)
        try:
            if blob is None or key_id_of(bytes(blob)) != key_id:
                return False
        except CannotOpen:
            return False
        return not self._keyring.can_open(bytes(blob), table=row._meta.db_table, column=column, row=row.pk)

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
        """The column values that remove this secret and satisfy the database's constraints."""
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
            if self._applies:
                await update_row(self._context, ApiKey, key.id, {"revoked_at": datetime.now(UTC)})
        return count

    async def _delete(self, model: type[Model]) -> int:
        return await model.all().delete() if self._applies else await model.all().count()

    async def _check_settings_open(self) -> None:
        async for config in _rows(RecordingConfig):
            stored_draft(self._keyring, config)
        async for kept in _rows(StoredCredential):
            credentials.open_secret(self._keyring, kept)

    async def _hash_settings_again(self) -> None:
        """Recomputes the keyed hashes that compare storage settings and keys, from the decrypted secrets."""
        async for config in _rows(RecordingConfig):
            await RecordingConfig.filter(id=config.id).update(**self._unverified(config))
        async for kept in _rows(StoredCredential):
            secret = credentials.open_secret(self._keyring, kept)
            keys = (kept.vendor.name, kept.endpoint_url, kept.access_key_id, secret)
            again = credentials.fingerprint(self._keyring, *keys)
            await StoredCredential.filter(account_id=kept.account_id, id=kept.id).update(fingerprint=again)


async def _rows(model: type[M], condition: str | None = None) -> AsyncIterator[M]:
    """Rows in the order of their ids, read in batches. `condition` is the name of a filter that must be true."""
    of_table = model.filter(**({condition: True} if condition else {})).order_by("id").limit(_BATCH)
    rows = await of_table
    while rows:
        for row in rows:
            yield row
        rows = await of_table.filter(id__gt=rows[-1].pk)
