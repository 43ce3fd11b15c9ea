"""GraphQL types and queries of the audit trail: who changed what, within the caller's tenant scope."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

import orjson
import strawberry
from tortoise.expressions import Q

from app.audit import model, setting_names, trail
from app.audit.actor_schema import AuditActor, may_know
from app.audit.actor_schema import actor as of_actor
from app.foundation.access import IsServiceProvider, MayViewAuditTrail, Scope
from app.foundation.context import Context, Info
from app.foundation.errors import BadUserInput
from app.foundation.graphql import fields
from app.foundation.graphql.pagination import DEFAULT_FIRST, AfterArgument, Connection, FirstArgument
from app.foundation.identifiers import Kind, any_uuid, first_at, parse_sid

MAXIMUM_EXCLUDED = 20


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


def _address(context: Context, scope: Scope | None, address: str | None) -> str | None:
    return address if may_know(context, scope) else None


def _changes(
    context: Context,
    account_id: UUID | None,
    kind: str | None,
    before: dict[str, object] | None,
    after: dict[str, object] | None,
) -> list[AuditChange]:
    viewer, old, new = context.viewer.within_account(account_id), before or {}, after or {}
    changes = []
    for name in trail.changed_names(old, new):
        setting = setting_names.setting(kind, name)
        if setting is not None and viewer.may(setting.permissions):
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
        of_actor,
        ["scope", "key_id", "user_id", "actor_name"],
        "Who acted. For an actor with a wider scope than the caller's, only the scope.",
    )
    object_id: strawberry.ID | None = fields.computed(
        _id, ["object_kind", "object_id"], "The id of the object. May have been deleted."
    )
    object_name: str | None = fields.column("The name that the object had then; null for an object without a name.")
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
        "The former service provider of an account that was moved.",
        permissions=[IsServiceProvider],
    )
    changes: list[AuditChange] = fields.decrypted(
        _changes,
        ["account_id", "object_kind", "before", "after"],
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
    actor_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="Events of this user or API key. None match for an actor with a wider scope than the caller's.",
    )
    operation: str | None = strawberry.field(
        default=None, description="Events of this operation, such as `updateAccount`."
    )
    exclude_operations: list[str] | None = strawberry.field(
        default=None,
        description=f"No events of these operations, such as `read webhookSecret`: at most {MAXIMUM_EXCLUDED}.",
    )
    since: datetime | None = strawberry.field(default=None, description="Events at this time or later.")
    until: datetime | None = strawberry.field(default=None, description="Events before this time.")


def _operation(text: str) -> str | None:
    return None if len(text) > 64 or "\0" in text else text


def _operations(texts: list[str]) -> tuple[str, ...]:
    """In one order, so that equal filters share a statement. What cannot be an operation excludes nothing."""
    return tuple(sorted({text for text in texts if _operation(text) is not None}))


def _actor_id(text: str) -> UUID | None:
    return parse_sid(Kind.USER, text) or parse_sid(Kind.API_KEY, text)


def _by_actor(actor_id: UUID) -> Q:
    # Ids are unique among both kinds. Two conditions, because each has an index.
    return Q(user_id=actor_id) | Q(key_id=actor_id)


def _of_known_actors(scope: Scope) -> Q:
    """Otherwise a caller could find out by the id whether an actor of a wider scope was this one."""
    widest_first = list(Scope)
    return Q(scope__in=widest_first[widest_first.index(scope) :])


def _check(given: Mapping[str, Any]) -> None:
    if len(given["exclude_operations"] or ()) > MAXIMUM_EXCLUDED:
        message = f"`excludeOperations` takes at most {MAXIMUM_EXCLUDED} operations."
        raise BadUserInput(message, argument="filter.excludeOperations")


_EVENTS = fields.PageOfAll(
    model.AuditEvent,
    conditions={
        "account_id": fields.Condition("account_id", partial(parse_sid, Kind.ACCOUNT)),
        "object_id": fields.Condition("object_id", any_uuid),
        "actor_id": fields.Condition(_by_actor, _actor_id, within=_of_known_actors),
        "operation": fields.Condition("operation", _operation),
        "exclude_operations": fields.Condition("operation__not_in", _operations),
        # Ids are created with the event and begin with the time (UUIDv7).
        "since": fields.Condition("id__gte", first_at),
        "until": fields.Condition("id__lt", first_at),
    },
    check=_check,
    weights=fields.across_owners(
        fields.Weights(
            count=4_000,
            conditions={
                "operation": 3_000,
                "excludeOperations": 3_000,
                # The events of one actor may be most of the table.
                "actorId": 3_000,
                "accountId": 1_000,
                "objectId": 1_000,
            },
        )
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
