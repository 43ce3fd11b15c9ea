"""The errors for an object that is missing, or that has changed since the client loaded it."""

from datetime import UTC

from app.audit import setting_names, trail
from app.audit.model import AuditEvent, Versioned
from app.foundation.context import Context
from app.foundation.user_errors import UserError, UserErrorArgument, UserErrorCode, UserErrorRule, UserErrors

# Changes read for a message: the newest ones.
_MAXIMUM_CHANGES = 50


class ObjectRule(UserErrorRule):
    """Rules about the object that a mutation changes."""

    NOT_FOUND = UserErrorCode.NOT_FOUND, "There is no such {object}."
    VERSION_CHANGED = (
        UserErrorCode.CONFLICT,
        "The {object} has changed since version {version} ({fields}), last by {changedBy} on {changedAt}; load it again.",
    )
    OBJECT_REMOVED = UserErrorCode.CONFLICT, "The {object} of version {version} has been removed; load it again."
    OBJECT_BUSY = UserErrorCode.CONFLICT, "The {object} is being changed by other requests; try again."


def not_found(what: str, *path: str) -> UserErrors:
    """The error for a row (`what`, such as `account`) that is missing or not visible, at `path` (default: `id`)."""
    return UserErrors.one(ObjectRule.NOT_FOUND, *(path or ("id",)), object=what)


def busy(what: str) -> UserErrors:
    """The error for a row (`what`, such as `account`) that keeps changing."""
    return UserErrors.one(ObjectRule.OBJECT_BUSY, "ifVersion", object=what)


async def version_changed(context: Context, what: str, row: Versioned | None, if_version: int) -> UserErrors:
    """The error for a row (`what`, such as `account`; None: deleted) whose version is not `if_version`.

    It names the actor and time of the last change, and the fields of up to 50 changes since, if the caller may read them.
    """
    if row is None:
        return UserErrors.one(ObjectRule.OBJECT_REMOVED, "ifVersion", object=what, version=if_version)
    by, at = _actor(context, row), row.updated_at.astimezone(UTC)
    names = await _changed_fields(context, row, if_version)
    values = {"object": what, "version": str(if_version), "changedBy": by}
    rule = ObjectRule.VERSION_CHANGED
    # The message has the time and the list in a form for people, the arguments in one for programs.
    message = rule.message.format(**values, changedAt=f"{at:%Y-%m-%d %H:%M} UTC", fields=", ".join(names)).replace(
        " ()", ""
    )
    values |= {"changedAt": at.isoformat(timespec="seconds"), "fields": ", ".join(names)}
    arguments = [UserErrorArgument(name=name, value=value) for name, value in values.items()]
    return UserErrors([UserError(code=rule.code, message=message, field=["ifVersion"], rule=rule, arguments=arguments)])


def _actor(context: Context, row: Versioned) -> str:
    scope = row.updated_by_scope
    if scope is None:
        return "the server"
    name = row.updated_by_name if context.viewer.may_know_who(scope) else None
    return name or f"a caller of the scope {scope.name}"


async def _changed_fields(context: Context, row: Versioned, if_version: int) -> list[str]:
    """The names of the fields that have changed since a version and that the caller may read, newest change first."""
    number = min(row.version - if_version, _MAXIMUM_CHANGES)
    if number <= 0:
        return []
    since = context.viewer.visible(AuditEvent).filter(object_id=row.pk, object_version__gt=if_version)
    names: dict[str, None] = {}
    # Each version has one event. The limit ends the search among the object's other events, such as reads.
    for event in await since.order_by("-id").limit(number):
        for audit_name in trail.changed_names(event.before or {}, event.after or {}):
            setting = setting_names.setting(event.object_kind, audit_name)
            if setting is not None and context.viewer.may(setting.permissions):
                names[setting.name] = None
    return list(names)
