"""The tables of users, their sessions, failed attempts and the password policy."""

from typing import ClassVar
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from app.audit.model import Versioned
from app.foundation.access import Scope, TenantScope, TenantScoped
from app.foundation.identifiers import new_id
from app.foundation.permissions import Role

MAXIMUM_USER_AGENT = 256
THE_POLICY = UUID("00000000-0000-7000-8000-000000000001")


class User(Versioned):
    """CHECK constraints tie `scope` to the owner columns, as for API keys, and `permissions` to the role CUSTOM.

    The unique constraint compares `email_key`. `password_hash` is Argon2's encoded form, including parameters and salt.
    """

    id = fields.UUIDField(primary_key=True, default=new_id)
    scope = fields.CharEnumField(Scope, max_length=16)
    service_provider: fields.ForeignKeyNullableRelation[Model] = fields.ForeignKeyField(
        "models.ServiceProvider", related_name="users", on_delete=fields.RESTRICT, null=True
    )
    service_provider_id: UUID | None
    account: fields.ForeignKeyNullableRelation[Model] = fields.ForeignKeyField(
        "models.Account", related_name="users", on_delete=fields.RESTRICT, null=True
    )
    account_id: UUID | None
    role = fields.CharEnumField(Role, max_length=16)
    permissions: fields.Field[list[str] | None] = fields.JSONField(null=True)
    email = fields.CharField(max_length=254)
    email_key = fields.TextField()
    name = fields.CharField(max_length=64)
    password_hash = fields.TextField()
    password_set_at = fields.DatetimeField()
    must_change_password = fields.BooleanField()
    active = fields.BooleanField(default=True)
    last_login_at = fields.DatetimeField(null=True)
    created_at = fields.DatetimeField(auto_now_add=True)

    audit_names: ClassVar[dict[str, str | None]] = {"password_hash": "password"}
    tenant_scope: ClassVar[TenantScope] = TenantScope(
        account="account_id", service_provider=("service_provider_id", "account__service_provider_id")
    )

    class Meta:
        table = "users"


class Session(TenantScoped):
    """An open session; ending it deletes the row. `last_used_at` is precise to the minute."""

    id = fields.UUIDField(primary_key=True, default=new_id)
    user: fields.ForeignKeyRelation[User] = fields.ForeignKeyField(
        "models.User", related_name="sessions", on_delete=fields.RESTRICT
    )
    user_id: UUID
    public_id = fields.CharField(max_length=16)
    secret_hash = fields.BinaryField()
    user_agent = fields.CharField(max_length=MAXIMUM_USER_AGENT)
    address = fields.CharField(max_length=64)
    created_at = fields.DatetimeField(auto_now_add=True)
    last_used_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()

    tenant_scope: ClassVar[TenantScope] = TenantScope(
        account="user__account_id", service_provider=("user__service_provider_id", "user__account__service_provider_id")
    )

    class Meta:
        table = "sessions"


class LoginFailure(TenantScoped):
    """A failed or pending attempt counted by `login_throttle.py`, which writes it before the password is checked.

    For a login, `subject` is a keyed hash of the e-mail address (people mistakenly type passwords there), and `network` the
    client's network. For a disclosed name or address they are a keyed hash of the caller's owner, and the caller's id.
    """

    id = fields.UUIDField(primary_key=True, default=new_id)
    subject = fields.BinaryField()
    network = fields.CharField(max_length=64)
    tried_at = fields.DatetimeField()

    tenant_scope: ClassVar[TenantScope] = TenantScope(account=None, service_provider=())

    class Meta:
        table = "login_failures"


class PasswordPolicy(Versioned):
    """The installation's password policy: one row, or none until the defaults are first changed."""

    id = fields.UUIDField(primary_key=True, default=THE_POLICY)
    minimum_length = fields.IntField(default=10)
    needs_digit = fields.BooleanField(default=False)
    needs_symbol = fields.BooleanField(default=False)
    refuses_common = fields.BooleanField(default=True)
    created_at = fields.DatetimeField(auto_now_add=True)

    tenant_scope: ClassVar[TenantScope] = TenantScope(account=None, service_provider=())

    class Meta:
        table = "password_policies"
