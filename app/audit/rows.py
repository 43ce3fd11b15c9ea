"""Rows of one model by the ids that clients send: found within the caller's reach, and changed with their audit event."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic
from uuid import UUID

from app.audit.audited_update import change, conflict
from app.foundation.access import M, Viewer
from app.foundation.context import Context
from app.foundation.errors import ErrorCollector, UserErrorCode, UserErrors
from app.foundation.identifiers import Kind, parse_sid


@dataclass(frozen=True)
class Rows(Generic[M]):
    """The rows of a model, with what messages call one of them (`account`)."""

    model: type[M]
    kind: Kind
    noun: str

    async def get(self, context: Context, id: str, *path: str) -> M:
        """Raises UserErrors NOT_FOUND under `path` (default: `id`): in the same words for another tenant's."""
        row_id = parse_sid(self.kind, id)
        row = await context.viewer.visible(self.model).get_or_none(id=row_id) if row_id else None
        return self.there(row, *path)

    async def lock(self, viewer: Viewer, row_id: UUID | None, *, no_key: bool = True) -> M | None:
        """The row with a lock on it; None when it is not within the caller's reach at that moment.

        Until the surrounding transaction ends, the row is neither changed nor deleted, and an account does not move to another
        provider; with `no_key=False` no row is added that refers to it. A row of an account is created, changed and deleted only
        under the account's lock: the account may have moved since the row was looked up. The owner is locked before its rows,
        against deadlocks.
        """
        found = viewer.visible(self.model).filter(id=row_id)
        return await found.select_for_update(no_key=no_key).get_or_none() if row_id else None

    async def locked(self, context: Context, id: str, *path: str, no_key: bool = True) -> M:
        """As `lock`, by the id that a client sent. Raises UserErrors NOT_FOUND under `path` (default: `id`)."""
        return self.there(await self.lock(context.viewer, parse_sid(self.kind, id), no_key=no_key), *path)

    async def change(
        self,
        context: Context,
        id: str,
        values: Mapping[str, object],
        *,
        if_version: int | None = None,
        where: Mapping[str, object] | None = None,
    ) -> M | None:
        """None when no row matched: see `app/audit/audited_update.py`."""
        row_id = parse_sid(self.kind, id)
        if row_id is None:
            return None
        return await change(context, self.model, row_id, values, if_version=if_version, where=where)

    async def changed(self, context: Context, id: str, values: Mapping[str, object], if_version: int | None) -> M:
        """The row after the change. Raises UserErrors: NOT_FOUND, CONFLICT."""
        row = await self.change(context, id, values, if_version=if_version)
        if row is None:
            await self.get(context, id)
            raise self.conflict(if_version)
        return row

    def there(self, row: M | None, *path: str) -> M:
        """Raises UserErrors NOT_FOUND under `path` (default: `id`) when there is no row."""
        if row is None:
            raise self.not_found(*path)
        return row

    def not_found(self, *path: str) -> UserErrors:
        return UserErrors.one(UserErrorCode.NOT_FOUND, f"There is no such {self.noun}.", *(path or ("id",)))

    def conflict(self, if_version: int | None) -> UserErrors:
        return conflict(self.noun, if_version)

    def check_version(
        self, version: int | None, if_version: int | None, problems: ErrorCollector | None = None
    ) -> None:
        """CONFLICT when the caller names another version: goes to `problems`, and is raised where there are none."""
        if if_version in (None, version):
            return
        if problems is None:
            raise self.conflict(if_version)
        problems.found += self.conflict(if_version).errors
