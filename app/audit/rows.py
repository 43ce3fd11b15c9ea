"""Looks up, locks and updates one row by the id a client sent, within the caller's tenant scope."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic
from uuid import UUID

from app.audit.audited_update import update_row
from app.audit.conflicts import busy, not_found, version_changed
from app.audit.model import Versioned
from app.foundation.access import M, TenantScoped, Viewer
from app.foundation.context import Context
from app.foundation.identifiers import Kind, parse_sid
from app.foundation.user_errors import ErrorCollector, UserErrors


@dataclass(frozen=True)
class Rows(Generic[M]):
    """The rows of one model. Error messages call a row `noun`, such as `account`."""

    model: type[M]
    kind: Kind
    noun: str

    async def get(self, context: Context, id: str, *path: str) -> M:
        """Raises UserErrors NOT_FOUND at `path` (default: `id`), with the same message for another tenant's row."""
        row_id = parse_sid(self.kind, id)
        row = await context.viewer.visible(self.model).get_or_none(id=row_id) if row_id else None
        return self.require(row, *path)

    async def lock(self, viewer: Viewer, row_id: UUID | None, *, no_key: bool = True) -> M | None:
        """Selects the row FOR NO KEY UPDATE. None if it is not visible to the caller once the lock is held.

        Until the transaction ends nothing else updates or deletes the row. `no_key=False` also blocks inserts of rows that
        refer to it. Lock the account before its rows are created, updated or deleted: it may have moved to another provider
        since the lookup. Always lock owners before their rows, to avoid deadlocks.
        """
        found = viewer.visible(self.model).filter(id=row_id)
        return await found.select_for_update(no_key=no_key).get_or_none() if row_id else None

    async def get_locked(self, context: Context, id: str, *path: str, no_key: bool = True) -> M:
        """Like `lock`, for an id from a client. Raises UserErrors NOT_FOUND at `path` (default: `id`)."""
        return self.require(await self.lock(context.viewer, parse_sid(self.kind, id), no_key=no_key), *path)

    async def try_update(
        self,
        context: Context,
        id: str,
        values: Mapping[str, object],
        *,
        if_version: int | None = None,
        where: Mapping[str, object] | None = None,
    ) -> M | None:
        """Returns None when no row matched; see `audited_update.update_row`."""
        row_id = parse_sid(self.kind, id)
        if row_id is None:
            return None
        return await update_row(context, self.model, row_id, values, if_version=if_version, where=where)

    async def update(self, context: Context, id: str, values: Mapping[str, object], if_version: int | None) -> M:
        """Returns the updated row. Raises UserErrors: NOT_FOUND, CONFLICT."""
        row = await self.try_update(context, id, values, if_version=if_version)
        if row is None:
            raise await self.conflict(context, await self.get(context, id), if_version)
        return row

    def require(self, row: M | None, *path: str) -> M:
        """Raises UserErrors NOT_FOUND at `path` (default: `id`) if `row` is None."""
        if row is None:
            raise self.not_found(*path)
        return row

    def not_found(self, *path: str) -> UserErrors:
        return not_found(self.noun, *path)

    async def conflict(self, context: Context, row: M | None, if_version: int | None) -> UserErrors:
        """The error for a row that does not have the version `if_version`, or that keeps changing (None)."""
        if if_version is None or if_version == _version_of(row):
            return busy(self.noun)
        return await version_changed(context, self.noun, row if isinstance(row, Versioned) else None, if_version)

    async def check_version(
        self, context: Context, row: M | None, if_version: int | None, errors: ErrorCollector | None = None
    ) -> None:
        """Adds CONFLICT to `errors`, or raises it without them, if the client expects another version than the row's."""
        if if_version in (None, _version_of(row)):
            return
        found = await self.conflict(context, row, if_version)
        if errors is None:
            raise found
        errors.found += found.errors


def _version_of(row: TenantScoped | None) -> int | None:
    return row.version if isinstance(row, Versioned) else None
