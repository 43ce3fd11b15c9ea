"""What the inputs of forms may hold, as the graph shows it: the constants that the rooms themselves check with."""

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
from app.storage.schema import RecordingLimits
from app.users import email_addresses
from app.users.schema import UserLimits
from app.webhooks.schema import WebhookLimits


@strawberry.type(description="The limits of lists: of their arguments `first` and `filter`.")
class PagingLimits:
    """Constants."""

    first_default: int = strawberry.field(
        default=paging.DEFAULT_FIRST, description="Rows of a page when `first` is left out."
    )
    first_maximum: int = strawberry.field(
        default=paging.MAXIMUM_FIRST, description="The greatest `first`, in rows; the least is 1."
    )
    name_contains_maximum: int = strawberry.field(
        default=names.MAXIMUM_KEY,
        description="Characters (code points) of `search` and `nameContains`; what is longer is found nowhere.",
    )
    email_contains_maximum: int = strawberry.field(
        default=email_addresses.MAXIMUM,
        description="Characters (code points) of `emailContains`; what is longer is found nowhere.",
    )


@strawberry.type(description="The limits of idempotency keys.")
class IdempotencyKeyLimits:
    """Constants."""

    maximum: int = strawberry.field(
        default=run_once.MAXIMUM_KEY,
        description="Characters (code points) of an `idempotencyKey`, all of them printable; the least is 1.",
    )
    kept_hours: int = strawberry.field(
        default=run_once.RETENTION // timedelta(hours=1),
        description="For how many hours a repeat with the key answers what was made first.",
    )


@strawberry.type(
    description="How many objects of a kind this server allows; creating one more is answered LIMIT_REACHED."
)
class QuotaLimits:
    """Settings."""

    accounts_per_provider: int = strawberry.field(
        description="Accounts of a service provider; `moveAccount` is not limited."
    )
    applications_per_account: int = strawberry.field(description="Applications of an account.")
    api_keys_per_owner: int = strawberry.field(
        description="Valid API keys (neither revoked nor expired) of an account or a service provider, and keys that it may "
        "create within 24 hours. Admins' keys are not limited."
    )
    users_per_owner: int = strawberry.field(
        description="Users of an account or a service provider, including deactivated ones. Admins are not limited."
    )
    stored_credentials_per_account: int = strawberry.field(
        description="Stored credentials of an account; with so many, its recording configuration accepts no other keys."
    )
    idempotency_keys_per_caller: int = strawberry.field(
        description="Idempotency keys that an API key or a user may use within 24 hours."
    )


def _quotas(context: Context) -> QuotaLimits:
    names_of_settings = QuotaLimits.__annotations__
    return QuotaLimits(**{name: getattr(context.resources.settings, name) for name in names_of_settings})


@strawberry.type(
    description="What the inputs of forms may hold at most, so that a form can say it beforehand. What passwords have to be "
    "says `passwordPolicy`."
)
class Limits:
    """Constants, by the rooms of the house."""

    call: CallLimits = strawberry.field(default_factory=CallLimits, description="Of lists and reports of calls.")
    account: AccountLimits = strawberry.field(default_factory=AccountLimits, description="Of accounts.")
    api_key: ApiKeyLimits = strawberry.field(default_factory=ApiKeyLimits, description="Of API keys.")
    application: ApplicationLimits = strawberry.field(default_factory=ApplicationLimits, description="Of applications.")
    idempotency_key: IdempotencyKeyLimits = strawberry.field(
        default_factory=IdempotencyKeyLimits, description="Of the `idempotencyKey` of whatever is created."
    )
    paging: PagingLimits = strawberry.field(default_factory=PagingLimits, description="Of lists.")
    quota: QuotaLimits = fields.decrypted(_quotas, [], "Of the number of objects, as this server is configured.")
    recording_config: RecordingLimits = strawberry.field(
        default_factory=RecordingLimits, description="Of recording configurations."
    )
    service_provider: ServiceProviderLimits = strawberry.field(
        default_factory=ServiceProviderLimits, description="Of service providers."
    )
    user: UserLimits = strawberry.field(default_factory=UserLimits, description="Of users and the password policy.")
    webhook: WebhookLimits = strawberry.field(
        default_factory=WebhookLimits, description="Of webhooks, of accounts and of applications."
    )


_LIMITS = Limits()


@strawberry.type
class LimitQueries:
    """Root fields."""

    @fields.resolver("What the inputs of forms may hold at most; their enums describe themselves.")
    def limits(self) -> Limits:
        return _LIMITS
