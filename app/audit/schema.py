"""What is shown of the audit trail: who changed what, within the caller's reach."""

from datetime import datetime
from functools import partial
from typing import Annotated
from uuid import UUID

import orjson
import strawberry

from app.audit import model, setting_names, trail
from app.foundation.access import IsServiceProvider, Scope
from app.foundation.context import Context, Info
from app.foundation.graphql import fields
from app.foundation.graphql.pagination import DEFAULT_FIRST, AfterArgument, Connection, FirstArgument
from app.foundation.identifiers import Kind, any_uuid, first_at, parse_sid, sid_of


@strawberry.type(
    description="Who did it. Without a scope: a command of the server itself, or somebody who was not let in."
)
class AuditActor:
    """A value."""

    scope: Scope | None = strawberry.field(description="The scope of the caller.")
    api_key_id: strawberry.ID | None = strawberry.field(description="The key that was used, which may be gone by now.")
    user_id: strawberry.ID | None = strawberry.field(description="The user who was signed in, who may be gone by now.")


@strawberry.type(description="A setting that was changed.")
class AuditChange:
    """A value."""

    field: str = strawberry.field(
        description="Which: the field of the object's type or of its input, such as `name` or `usageLimit.maximum`; or what "
        "the event tells beside, such as `endedSessions`."
    )
    before: str | None = strawberry.field(
        description="What it was, as JSON; null for what was not there. An object is its id. Secrets are never shown: `•••`."
    )
    after: str | None = strawberry.field(
        description="What it became, as JSON; null for what is no more. An object is its id. Secrets are never shown: `•••`."
    )


def _actor(context: Context, scope: Scope | None, key_id: UUID | None, user_id: UUID | None) -> AuditActor:
    key = strawberry.ID(sid_of(Kind.API_KEY, key_id)) if key_id and _may_know(context, scope) else None
    user = strawberry.ID(sid_of(Kind.USER, user_id)) if user_id and _may_know(context, scope) else None
    return AuditActor(scope=scope, api_key_id=key, user_id=user)


def _address(context: Context, scope: Scope | None, address: str | None) -> str | None:
    return address if _may_know(context, scope) else None


def _may_know(context: Context, scope: Scope | None) -> bool:
    """Who of a wider scope has done something, and from where, is not told to the narrower ones."""
    return scope is None or context.viewer.may_know_who(scope)


def _changes(
    context: Context, kind: str | None, before: dict[str, object] | None, after: dict[str, object] | None
) -> list[AuditChange]:
    old, new = before or {}, after or {}
    changes = []
    for stored_as in dict.fromkeys([*old, *new]):
        setting = setting_names.setting(kind, stored_as)
        # A form sends what it did not change as well; of secrets, events name only those that have changed.
        is_same = stored_as in old and stored_as in new and old[stored_as] == new[stored_as] != trail.HIDDEN
        if setting is not None and not is_same and context.viewer.may(setting.permissions):
            was, is_now = (_text(setting, values, stored_as) for values in (old, new))
            changes.append(AuditChange(field=setting.name, before=was, after=is_now))
    return changes


def _text(setting: setting_names.Setting, values: dict[str, object], stored_as: str) -> str | None:
    if stored_as not in values:
        return None
    value = values[stored_as]
    return orjson.dumps(setting.made_of(value) if setting.made_of else value).decode()


def _id(kind: str | None, value: UUID | None) -> str | None:
    return f"{kind}{value.hex}" if kind is not None and value is not None else None


@fields.node(
    Kind.AUDIT_EVENT,
    description="Something that was changed, deleted, dialled or revealed. Events are never changed and outlive what they "
    "speak of.",
)
class AuditEvent(fields.Node[model.AuditEvent]):
    at: datetime = fields.column("When.")
    operation: str = fields.column(
        "What was done: a mutation, such as `updateAccount`; `read webhookSecret` and `playRecording` for what was seen and "
        "heard; `server` for a command of the server itself, such as one that made an admin."
    )
    actor: AuditActor = fields.decrypted(
        _actor, ["scope", "key_id", "user_id"], "Who; of a wider scope than the caller's only that scope."
    )
    object_id: strawberry.ID | None = fields.computed(
        _id, ["object_kind", "object_id"], "The id of what was changed, which may be gone by now."
    )
    account_id: strawberry.ID | None = fields.computed(
        partial(_id, Kind.ACCOUNT.value), ["account_id"], "The account that it belonged to."
    )
    service_provider_id: strawberry.ID | None = fields.computed(
        partial(_id, Kind.SERVICE_PROVIDER.value),
        ["service_provider_id"],
        "The service provider that it belonged to at the time.",
        permissions=[IsServiceProvider],
    )
    former_service_provider_id: strawberry.ID | None = fields.computed(
        partial(_id, Kind.SERVICE_PROVIDER.value),
        ["former_service_provider_id"],
        "Where an account came from that was moved.",
        permissions=[IsServiceProvider],
    )
    changes: list[AuditChange] = fields.decrypted(
        _changes,
        ["object_kind", "before", "after"],
        "What was changed, as far as the caller may see the settings themselves.",
    )
    request_id: str | None = fields.column("The id of the request, as in the log.")
    address: str | None = fields.decrypted(
        _address, ["scope", "address"], "Where the request came from; null when somebody of a wider scope sent it."
    )


@strawberry.input(description="Which events to list; conditions are joined with and.")
class AuditEventFilter:
    """Absent or null: no condition."""

    account_id: strawberry.ID | None = strawberry.field(default=None, description="Of this account.")
    object_id: strawberry.ID | None = strawberry.field(default=None, description="Of this object.")
    operation: str | None = strawberry.field(default=None, description="Of this operation, such as `updateAccount`.")
    since: datetime | None = strawberry.field(default=None, description="At this time or later.")
    until: datetime | None = strawberry.field(default=None, description="Before this time.")


def _operation(text: str) -> str | None:
    return None if len(text) > 64 or "\0" in text else text


_EVENTS = fields.PageOfAll(
    model.AuditEvent,
    conditions={
        "account_id": fields.Condition("account_id", partial(parse_sid, Kind.ACCOUNT)),
        "object_id": fields.Condition("object_id", any_uuid),
        "operation": fields.Condition("operation", _operation),
        # Ids are made when the event is, and begin with the time.
        "since": fields.Condition("id__gte", first_at),
        "until": fields.Condition("id__lt", first_at),
    },
    weights=fields.across_owners(
        fields.Weights(count=4_000, conditions={"operation": 3_000, "accountId": 1_000, "objectId": 1_000})
    ),
)


@strawberry.type
class AuditQueries:
    """Root fields."""

    @fields.resolver("The audit trail within reach, newest first.", declared=_EVENTS)
    async def audit_events(
        self,
        info: Info,
        first: FirstArgument = DEFAULT_FIRST,
        after: AfterArgument = None,
        filter: Annotated[AuditEventFilter | None, strawberry.argument(description="Which events.")] = None,
    ) -> Connection[AuditEvent]:
        return AuditEvent.connection(await _EVENTS.answer(info.context, first, after, filter))
