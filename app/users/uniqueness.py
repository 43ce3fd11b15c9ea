"""That a name, a SIP realm or an e-mail address is taken.

The constraint of the database answers it, when all else about a write is right. Callers who do not see the row that has it get
this answer only so often, and each time it is audited: otherwise they could find out what other tenants have, at no cost and
without a trace.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from strawberry.utils.str_converters import to_camel_case
from tortoise.exceptions import IntegrityError

from app.audit import trail
from app.foundation.access import Scope, TenantScoped
from app.foundation.context import Context
from app.foundation.database.orm import violated_constraint
from app.foundation.errors import RateLimited, UserErrorCode, UserErrors
from app.users import login_throttle


@dataclass(frozen=True)
class UniqueConstraint:
    """What no two rows may share."""

    constraint: str
    column: str
    """What clients give."""
    key: str
    """What to sort by."""
    code: UserErrorCode
    message: str
    """With `{}` for the value."""
    hidden_from: frozenset[Scope] = frozenset()
    """The scopes that do not see all rows it is compared with."""

    def user_errors(self, value: object) -> UserErrors:
        return UserErrors.one(self.code, self.message.format(value), to_camel_case(self.column))


@asynccontextmanager
async def report_violations(
    context: Context,
    model: type[TenantScoped],
    uniques: Sequence[UniqueConstraint],
    values: Mapping[str, object],
    stored: Callable[[], Awaitable[TenantScoped]] | None = None,
) -> AsyncIterator[None]:
    """Around the transaction that writes `values`: UserErrors in place of an IntegrityError of one of the constraints.

    `stored` reads the row that is changed. Raises RateLimited for a caller who got too many such answers, before anything is
    written.
    """
    hidden = [one for one in uniques if context.viewer.scope in one.hidden_from and values.get(one.column)]
    if hidden:
        await check_disclosure_limit(context, model, {one.key: values[one.key] for one in hidden})
    try:
        yield
    except IntegrityError as error:
        name = violated_constraint(error)
        violated = next((one for one in uniques if one.constraint == name), None)
        if violated is None:
            raise
        same = context.viewer.visible(model).filter(**{violated.key: values[violated.key]})
        if violated in hidden and not await same.exists():
            tried = {one.column: values[one.column] for one in uniques if values.get(one.column)}
            await record_disclosure(context, tried, await stored() if stored is not None else None)
        raise violated.user_errors(values[violated.column]) from None


async def check_disclosure_limit(context: Context, model: type[TenantScoped], keys: Mapping[str, object]) -> None:
    """Before anything is tried. Raises RateLimited for a caller who was told so often that no more is even tried.

    But for what a row within reach has: it tells nothing of others. A form sends it with whatever else is changed, and a repeat
    with its idempotency key sends it again.
    """
    try:
        await login_throttle.check_disclosures(context.keyring, context.viewer)
    except RateLimited:
        for column, key in keys.items():
            if not await context.viewer.visible(model).filter(**{column: key}).exists():
                raise


async def record_disclosure(context: Context, tried: Mapping[str, object], row: TenantScoped | None = None) -> None:
    """Audits what was found taken, of this row where it is there. Raises RateLimited when it may not be said any more."""
    viewer = context.viewer
    account_id, provider_id = (viewer.account_id, viewer.service_provider_id) if row is None else (None, None)
    after = {**tried, "refused": True}
    await trail.record(context, row, after=after, account_id=account_id, service_provider_id=provider_id)
    await login_throttle.count_disclosure(context.keyring, viewer)
