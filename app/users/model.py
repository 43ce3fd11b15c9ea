"""People, what lets them in, and what they tried."""

from typing import ClassVar
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from app.foundation.access import Scope, TenantScope, TenantScoped
from app.foundation.identifiers import new_id

MAXIMUM_USER_AGENT = 256
THE_POLICY = UUID("00000000-0000-7000-8000-000000000001")


class User(TenantScoped):
    """A CHECK ties `scope` to the owner columns, as for API keys. `email_key` is what makes two addresses the same.

    `password_hash` is Argon2's own text, parameters and salt included.
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
    email = fields.CharField(max_length=254)
    email_key = fields.TextField()
    name = fields.CharField(max_length=64)
    password_hash = fields.TextField()
    password_set_at = fields.DatetimeField()
    must_change_password = fields.BooleanField()
    active = fields.BooleanField(default=True)
    last_login_at = fields.DatetimeField(null=True)
    created_at = fields.DatetimeField(auto_now_add=True)
    updated_at = fields.DatetimeField(auto_now=True)
    version = fields.IntField(default=1)

    audit_names: ClassVar[dict[str, str | None]] = {"password_hash": "password"}
    tenant_scope: ClassVar[TenantScope] = TenantScope(
        account="account_id", service_provider=("service_provider_id", "account__service_provider_id")
    )

    class Meta:
        table = "users"


class Session(TenantScoped):
    """A login that has not ended. One that is ended is deleted; `last_used_at` is truthful to the minute."""

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
    """A try to log in that failed, or that is being made: it is written before the password is looked at.

    `subject` is a keyed hash of the e-mail address, where people type passwords too; `network` is where it came from. For an
    address that was found taken they are a keyed hash of the asker's owner, and the id of the key or user that asked.
    """

    id = fields.UUIDField(primary_key=True, default=new_id)
    subject = fields.BinaryField()
    network = fields.CharField(max_length=64)
    tried_at = fields.DatetimeField()

    tenant_scope: ClassVar[TenantScope] = TenantScope(account=None, service_provider=())

    class Meta:
        table = "login_failures"


class PasswordPolicy(TenantScoped):
    """What passwords have to be: one row, and none as long as the defaults were never changed."""

    id = fields.UUIDField(primary_key=True, default=THE_POLICY)
    minimum_length = fields.IntField(default=10)
    needs_digit = fields.BooleanField(default=False)
    needs_symbol = fields.BooleanField(default=False)
    refuses_common = fields.BooleanField(default=True)
    created_at = fields.DatetimeField(auto_now_add=True)
    updated_at = fields.DatetimeField(auto_now=True)
    version = fields.IntField(default=1)

    tenant_scope: ClassVar[TenantScope] = TenantScope(account=None, service_provider=())

    class Meta:
        table = "password_policies"
