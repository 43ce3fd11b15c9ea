"""Reports that a name, a SIP realm or an e-mail address is taken, and limits what such replies disclose.

The database constraint decides, after all other validation. A reply to a caller who cannot see the conflicting row discloses
another tenant's value: it is audited and rate-limited, so that callers cannot enumerate values without a limit and a trace.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType

from strawberry.utils.str_converters import to_camel_case
from tortoise.exceptions import IntegrityError

from app.audit import trail
from app.foundation.access import Scope, TenantScoped
from app.foundation.context import Context
from app.foundation.database.errors import violated_constraint
from app.foundation.errors import RateLimited
from app.foundation.user_errors import UserErrorRule, UserErrors
from app.users import login_throttle


@dataclass(frozen=True)
class UniqueConstraint:
    """A unique constraint, and the error for its violation."""

    constraint: str
    column: str
    """The column of the value that clients send."""
    key: str
    """The column that is compared."""
    rule: UserErrorRule
    """Its message may name the `{value}`."""
    hidden_from: frozenset[Scope] = frozenset()
    """The scopes that cannot see every row the constraint compares."""

    def user_errors(self, value: object) -> UserErrors:
        named = {"value": str(value)} if "{value}" in self.rule.message else {}
        return UserErrors.one(self.rule, to_camel_case(self.column), **named)


class report_violations:  # noqa: N801  used like a function
    """Wraps the transaction that writes `values`, and turns a violation of one of the constraints into UserErrors.

    `stored` reads the row to update, for the audit event. Raises RateLimited before the write for a caller who has received too
    many disclosures. A class: a generator-based context manager costs 15 µs more (sampled).
    """

    def __init__(
        self,
        context: Context,
        model: type[TenantScoped],
        uniques: Sequence[UniqueConstraint],
        values: Mapping[str, object],
        stored: Callable[[], Awaitable[TenantScoped]] | None = None,
    ) -> None:
        self._context = context
        self._model = model
        self._uniques = uniques
        self._values = values
        self._stored = stored

    async def __aenter__(self) -> None:
        scope, values = self._context.viewer.scope, self._values
        self._hidden = [one for one in self._uniques if scope in one.hidden_from and values.get(one.column)]
        if self._hidden:
            keys = {unique.key: values[unique.key] for unique in self._hidden}
            await check_disclosure_limit(self._context, self._model, keys)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not isinstance(error, IntegrityError):
            return
        context, values = self._context, self._values
        name = violated_constraint(error)
        violated = next((unique for unique in self._uniques if unique.constraint == name), None)
        if violated is None:
            return
        same = context.viewer.visible(self._model).filter(**{violated.key: values[violated.key]})
        if violated in self._hidden and not await same.exists():
            sent = {unique.column: values[unique.column] for unique in self._uniques if values.get(unique.column)}
            await record_disclosure(context, sent, await self._stored() if self._stored is not None else None)
        raise violated.user_errors(values[violated.column]) from None


async def check_disclosure_limit(context: Context, model: type[TenantScoped], keys: Mapping[str, object]) -> None:
    """Raises RateLimited if the caller has received too many disclosures, unless visible rows have all of these values.

    A value of a visible row discloses nothing. Forms send it along with other changes, and retries repeat it.
    """
    try:
        await login_throttle.check_disclosures(context.keyring, context.viewer)
    except RateLimited:
        for column, key in keys.items():
            if not await context.viewer.visible(model).filter(**{column: key}).exists():
                raise


async def record_disclosure(context: Context, sent: Mapping[str, object], row: TenantScoped | None = None) -> None:
    """Audits and counts a disclosure. `row` is the row being updated, if any. Raises RateLimited instead of disclosing."""
    viewer = context.viewer
    account_id, provider_id = (viewer.account_id, viewer.service_provider_id) if row is None else (None, None)
    after = {**sent, "refused": True}
    await trail.record(context, row, after=after, account_id=account_id, service_provider_id=provider_id)
    await login_throttle.count_disclosure(context.keyring, viewer)
