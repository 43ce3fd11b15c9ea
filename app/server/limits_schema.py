"""The limits of inputs in the schema: the constants that the domains check with."""

from datetime import timedelta

import strawberry

from app.accounts.schema import AccountLimits
from app.api_keys.schema import ApiKeyLimits
from app.applications.schema import ApplicationLimits
from app.calls.schema import CallLimits
from app.foundation import names
from app.foundation.context import Context
from app.foundation.graphql import fields
from app.foundation.graphql import pagination as paging
from app.foundation.idempotency import run_once
from app.service_providers.schema import ServiceProviderLimits
from app.storage.options_schema import RecordingLimits
from app.users import email_addresses
from app.users.schema import UserLimits
from app.webhooks.schema import WebhookLimits


@strawberry.type(description="The limits of lists: of their arguments `first` and `filter`.")
class PagingLimits:
    first_default: int = strawberry.field(default=paging.DEFAULT_FIRST, description="Default of `first`, in rows.")
    first_maximum: int = strawberry.field(
        default=paging.MAXIMUM_FIRST, description="The maximum of `first`, in rows; the minimum is 1."
    )
    name_contains_maximum: int = strawberry.field(
        default=names.MAXIMUM_KEY,
        description="The maximum of `search` and `nameContains`, in characters (code points). Longer values match nothing.",
    )
    email_contains_maximum: int = strawberry.field(
        default=email_addresses.MAXIMUM,
        description="The maximum of `emailContains`, in characters (code points). Longer values match nothing.",
    )


@strawberry.type(description="The limits of idempotency keys.")
class IdempotencyKeyLimits:
    maximum: int = strawberry.field(
        default=run_once.MAXIMUM_KEY,
        description="The maximum of an `idempotencyKey`, in printable characters (code points); the minimum is 1.",
    )
    kept_hours: int = strawberry.field(
        default=run_once.RETENTION // timedelta(hours=1),
        description="Hours for which repeating a mutation with the same key returns the object that it created first.",
    )


@strawberry.type(description="How many objects of a kind this server allows. Creating more gives LIMIT_REACHED.")
class QuotaLimits:
    accounts_per_provider: int = strawberry.field(
        description="Accounts of a service provider; `moveAccount` is not limited."
    )
    applications_per_account: int = strawberry.field(description="Applications of an account.")
    api_keys_per_owner: int = strawberry.field(
        description="API keys of an account or a service provider that are neither revoked nor expired, and keys that it may "
        "create within 24 hours. Admins' keys are not limited."
    )
    users_per_owner: int = strawberry.field(
        description="Users of an account or a service provider, including deactivated ones. Admins are not limited."
    )
    stored_credentials_per_account: int = strawberry.field(
        description="Stored credentials of an account. At this number, its recording configuration accepts no other keys."
    )
    idempotency_keys_per_caller: int = strawberry.field(
        description="Idempotency keys that an API key or a user may use within 24 hours."
    )


def _quotas(context: Context) -> QuotaLimits:
    names_of_settings = QuotaLimits.__annotations__
    return QuotaLimits(**{name: getattr(context.resources.settings, name) for name in names_of_settings})


@strawberry.type(
    description="The limits of inputs, so that a form can show them before it is submitted. The rules for passwords are in "
    "`passwordPolicy`."
)
class Limits:
    call: CallLimits = strawberry.field(default_factory=CallLimits, description="Limits of lists and reports of calls.")
    account: AccountLimits = strawberry.field(default_factory=AccountLimits, description="Limits of accounts.")
    api_key: ApiKeyLimits = strawberry.field(default_factory=ApiKeyLimits, description="Limits of API keys.")
    application: ApplicationLimits = strawberry.field(
        default_factory=ApplicationLimits, description="Limits of applications."
    )
    idempotency_key: IdempotencyKeyLimits = strawberry.field(
        default_factory=IdempotencyKeyLimits,
        description="Limits of the `idempotencyKey` of mutations that create objects.",
    )
    paging: PagingLimits = strawberry.field(default_factory=PagingLimits, description="Limits of lists.")
    quota: QuotaLimits = fields.decrypted(_quotas, [], "Limits of the number of objects, as configured on this server.")
    recording_config: RecordingLimits = strawberry.field(
        default_factory=RecordingLimits, description="Limits of recording configurations."
    )
    service_provider: ServiceProviderLimits = strawberry.field(
        default_factory=ServiceProviderLimits, description="Limits of service providers."
    )
    user: UserLimits = strawberry.field(
        default_factory=UserLimits, description="Limits of users and of the password policy."
    )
    webhook: WebhookLimits = strawberry.field(
        default_factory=WebhookLimits, description="Limits of webhooks of accounts and of applications."
    )


_LIMITS = Limits()


@strawberry.type
class LimitQueries:
    @fields.resolver("The limits of inputs. The values of enums are in the schema.")
    def limits(self) -> Limits:
        return _LIMITS
