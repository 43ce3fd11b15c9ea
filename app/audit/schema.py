"""GraphQL types and queries of the audit trail: who changed what, within the caller's tenant scope."""

from datetime import datetime
from functools import partial
from typing import Annotated
from uuid import UUID

import orjson
import strawberry

from app.audit import model, setting_names, trail
from app.foundation.access import IsServiceProvider, MayViewAuditTrail, Scope
from app.foundation.context import Context, Info
from app.foundation.graphql import fields
from app.foundation.graphql.pagination import DEFAULT_FIRST, AfterArgument, Connection, FirstArgument
from app.foundation.identifiers import Kind, any_uuid, first_at, parse_sid, sid_of


@strawberry.type(
    description="Who acted. Without a scope: a command of the server, or an unauthenticated caller, such as a failed login."
)
class AuditActor:
    scope: Scope | None = strawberry.field(description="The caller's scope.")
    api_key_id: strawberry.ID | None = strawberry.field(description="The caller's API key. May have been deleted.")
    user_id: strawberry.ID | None = strawberry.field(description="The caller's user. May have been deleted.")


@strawberry.type(description="One changed setting.")
class AuditChange:
    field: str = strawberry.field(
        description="The field of the object's type or input, such as `name` or `usageLimit.maximum`, or a detail of the "
        "event, such as `endedSessions`."
    )
    before: str | None = strawberry.field(
        description="The old value as JSON; null if there was none. An object is shown as its id, a secret as `•••`."
    )
    after: str | None = strawberry.field(
        description="The new value as JSON; null if there is none. An object is shown as its id, a secret as `•••`."
    )


def _actor(context: Context, scope: Scope | None, key_id: UUID | None, user_id: UUID | None) -> AuditActor:
    key = strawberry.ID(sid_of(Kind.API_KEY, key_id)) if key_id and _may_know(context, scope) else None
    user = strawberry.ID(sid_of(Kind.USER, user_id)) if user_id and _may_know(context, scope) else None
    return AuditActor(scope=scope, api_key_id=key, user_id=user)


def _address(context: Context, scope: Scope | None, address: str | None) -> str | None:
    return address if _may_know(context, scope) else None


def _may_know(context: Context, scope: Scope | None) -> bool:
    """Callers do not see which user or key of a wider scope acted, nor from which address."""
    return scope is None or context.viewer.may_know_who(scope)


def _changes(
    context: Context, kind: str | None, before: dict[str, object] | None, after: dict[str, object] | None
) -> list[AuditChange]:
    old, new = before or {}, after or {}
    changes = []
    for name in dict.fromkeys([*old, *new]):
        setting = setting_names.setting(kind, name)
        # Forms also send what they did not change. A secret is in the event only if it changed.
        is_same = name in old and name in new and old[name] == new[name] != trail.HIDDEN
        if setting is not None and not is_same and context.viewer.may(setting.permissions):
            before_text, after_text = (_text(setting, values, name) for values in (old, new))
            changes.append(AuditChange(field=setting.name, before=before_text, after=after_text))
    return changes


def _text(setting: setting_names.Setting, values: dict[str, object], name: str) -> str | None:
    if name not in values:
        return None
    value = values[name]
    return orjson.dumps(setting.convert(value) if setting.convert else value).decode()


def _id(kind: str | None, value: UUID | None) -> str | None:
    return f"{kind}{value.hex}" if kind is not None and value is not None else None


@fields.node(
    Kind.AUDIT_EVENT,
    description="One recorded action: a change, a deletion, an outbound request or the reading of a secret. Events never "
    "change and outlive the objects they describe.",
    permissions=[MayViewAuditTrail],
)
class AuditEvent(fields.Node[model.AuditEvent]):
    at: datetime = fields.column("When it happened.")
    operation: str = fields.column(
        "The mutation, such as `updateAccount`; `read webhookSecret` and `playRecording` for reads; `refuseApiKey` for a key "
        "used outside of its `allowedNetworks`; `server` for a command of the server, such as one that created an admin."
    )
    actor: AuditActor = fields.decrypted(
        _actor,
        ["scope", "key_id", "user_id"],
        "Who acted. For an actor with a wider scope than the caller's, only the scope.",
    )
    object_id: strawberry.ID | None = fields.computed(
        _id, ["object_kind", "object_id"], "The id of the object. May have been deleted."
    )
    account_id: strawberry.ID | None = fields.computed(
        partial(_id, Kind.ACCOUNT.value), ["account_id"], "The object's account."
    )
    service_provider_id: strawberry.ID | None = fields.computed(
        partial(_id, Kind.SERVICE_PROVIDER.value),
        ["service_provider_id"],
        "The object's service provider at the time.",
        permissions=[IsServiceProvider],
    )
    former_service_provider_id: strawberry.ID | None = fields.computed(
        partial(_id, Kind.SERVICE_PROVIDER.value),
        ["former_service_provider_id"],
        "The previous service provider of an account that was moved.",
        permissions=[IsServiceProvider],
    )
    changes: list[AuditChange] = fields.decrypted(
        _changes,
        ["object_kind", "before", "after"],
        "The changed settings that the caller may read.",
    )
    request_id: str | None = fields.column("The id of the request, as in the server's log.")
    address: str | None = fields.decrypted(
        _address,
        ["scope", "address"],
        "The IP address of the request; null for an actor with a wider scope than the caller's.",
    )


@strawberry.input(description="Which events to list. Conditions are combined with AND; null means no condition.")
class AuditEventFilter:
    account_id: strawberry.ID | None = strawberry.field(default=None, description="Events of this account.")
    object_id: strawberry.ID | None = strawberry.field(default=None, description="Events of this object.")
    operation: str | None = strawberry.field(
        default=None, description="Events of this operation, such as `updateAccount`."
    )
    since: datetime | None = strawberry.field(default=None, description="Events at this time or later.")
    until: datetime | None = strawberry.field(default=None, description="Events before this time.")


def _operation(text: str) -> str | None:
    return None if len(text) > 64 or "\0" in text else text


_EVENTS = fields.PageOfAll(
    model.AuditEvent,
    conditions={
        "account_id": fields.Condition("account_id", partial(parse_sid, Kind.ACCOUNT)),
        "object_id": fields.Condition("object_id", any_uuid),
        "operation": fields.Condition("operation", _operation),
        # Ids are created with the event and begin with the time (UUIDv7).
        "since": fields.Condition("id__gte", first_at),
        "until": fields.Condition("id__lt", first_at),
    },
    weights=fields.across_owners(
        fields.Weights(count=4_000, conditions={"operation": 3_000, "accountId": 1_000, "objectId": 1_000})
    ),
)


@strawberry.type
class AuditQueries:
    @fields.resolver(
        "Audit events visible to the caller, newest first.", declared=_EVENTS, permissions=[MayViewAuditTrail]
    )
    async def audit_events(
        self,
        info: Info,
        first: FirstArgument = DEFAULT_FIRST,
        after: AfterArgument = None,
        filter: Annotated[AuditEventFilter | None, strawberry.argument(description="Which events to list.")] = None,
    ) -> Connection[AuditEvent] | None:
        return AuditEvent.connection(await _EVENTS.answer(info.context, first, after, filter))
