"""The GraphQL types of who acted: in audit events, in the last change of an object, and as its creator."""

from typing import Any
from uuid import UUID

import strawberry

from app.audit.model import ACTOR_COLUMNS
from app.foundation.access import Scope
from app.foundation.context import Context
from app.foundation.graphql import fields
from app.foundation.identifiers import Kind, sid_of


@strawberry.type(
    description="Who acted. Without a scope: a command of the server, or an unauthenticated caller, such as a failed login."
)
class AuditActor:
    scope: Scope | None = strawberry.field(description="The caller's scope.")
    api_key_id: strawberry.ID | None = strawberry.field(description="The caller's API key. May have been deleted.")
    user_id: strawberry.ID | None = strawberry.field(description="The caller's user. May have been deleted.")
    name: str | None = strawberry.field(
        description="The name that the key or the user had then. Null for an actor with a wider scope than the caller's."
    )


def actor(
    context: Context, scope: Scope | None, key_id: UUID | None, user_id: UUID | None, name: str | None
) -> AuditActor:
    """Of an actor with a wider scope than the caller's, only the scope."""
    if not may_know(context, scope):
        return AuditActor(scope=scope, api_key_id=None, user_id=None, name=None)
    return AuditActor(
        scope=scope,
        api_key_id=strawberry.ID(sid_of(Kind.API_KEY, key_id)) if key_id else None,
        user_id=strawberry.ID(sid_of(Kind.USER, user_id)) if user_id else None,
        name=name,
    )


def may_know(context: Context, scope: Scope | None) -> bool:
    """Callers do not see which user or key of a wider scope acted, nor from which address."""
    return scope is None or context.viewer.may_know_who(scope)


def updated_by() -> Any:
    """The field `updatedBy` of a versioned type."""
    return fields.decrypted(
        _updated_by,
        ACTOR_COLUMNS,
        "Who last changed it, or created it; null for a command of the server, and for changes before this was recorded. For an "
        "actor with a wider scope than the caller's, only the scope.",
    )


def _updated_by(
    context: Context, scope: Scope | None, key_id: UUID | None, user_id: UUID | None, name: str | None
) -> AuditActor | None:
    return None if scope is None else actor(context, scope, key_id, user_id, name)


@strawberry.type(
    description="The creator of an account or API key: a person, directly or through an API key, or a key without a person."
)
class Creator:
    scope: Scope = strawberry.field(
        description="The scope of the person who created it; without a person, of the key that created it."
    )
    api_key_id: strawberry.ID | None = strawberry.field(
        description="The key that created it; null for a person's session. May be deleted or not visible to the caller. Null "
        "for callers with a narrower scope than `scope`."
    )
    user_id: strawberry.ID | None = strawberry.field(
        description="The person who created it, directly or through a key; null without a person. May be deleted or not "
        "visible to the caller. Null for callers with a narrower scope than `scope`."
    )


def created_by(description: str) -> Any:
    """The field `createdBy` of a row with the columns `created_by_…`."""
    return fields.decrypted(_creator, ["created_by_scope", "created_by_key_id", "created_by_user_id"], description)


def _creator(context: Context, scope: Scope | None, key_id: UUID | None, user_id: UUID | None) -> Creator | None:
    if scope is None or (key_id is None and user_id is None):
        return None
    if not context.viewer.may_know_who(scope):
        key_id = user_id = None
    return Creator(
        scope=scope,
        api_key_id=strawberry.ID(sid_of(Kind.API_KEY, key_id)) if key_id else None,
        user_id=strawberry.ID(sid_of(Kind.USER, user_id)) if user_id else None,
    )
