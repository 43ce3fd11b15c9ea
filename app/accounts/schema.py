"""The Account type, with the permissions of each setting, and the queries of accounts. Mutations: `mutation_schema.py`."""

import enum
import operator
from datetime import datetime
from functools import partial
from typing import Annotated
from uuid import UUID

import strawberry
from tortoise.expressions import Q

from app.accounts import inputs, model, service, webhook_secret
from app.api_keys.model import ApiKey as ApiKeyRow
from app.api_keys.schema import ApiKey
from app.applications.model import Application as ApplicationRow
from app.applications.schema import OF_ACCOUNT, Application, ApplicationFilter, ApplicationOrder
from app.audit.actor_schema import AuditActor, Creator, created_by, updated_by
from app.calls.schema import COUNT_LIMIT, Call, CallFilter
from app.calls.schema import OF_ACCOUNT as CALLS_OF_ACCOUNT
from app.foundation import names
from app.foundation.access import (
    IsAdmin,
    IsServiceProvider,
    MayDeleteAccounts,
    MayEditSettings,
    MayTestAndCallOut,
    MayViewCalls,
    MayViewSecrets,
)
from app.foundation.context import Context, Info
from app.foundation.graphql import fields
from app.foundation.graphql.pagination import (
    DEFAULT_FIRST,
    NEWEST_FIRST,
    AfterArgument,
    Connection,
    Containing,
    FirstArgument,
    Order,
    OrderDirection,
)
from app.foundation.identifiers import Kind, parse_sid
from app.foundation.secret_overlap import MAXIMUM_OVERLAP_HOURS, overlap_end
from app.recording.credential_schema import StoredCredential
from app.service_providers.model import ServiceProvider as ServiceProviderRow
from app.storage.model import RecordingConfig as RecordingConfigRow
from app.storage.model import StorageStatus
from app.storage.model import StoredCredential as StoredCredentialRow
from app.tts_cache.schema import TtsCache, cache_of
from app.users.model import User as UserRow
from app.users.schema import User
from app.webhooks.model import WebhookDelivery as WebhookDeliveryRow
from app.webhooks.model import WebhookKind, WebhookMethod
from app.webhooks.rules import ACCOUNT_WEBHOOKS as WEBHOOKS
from app.webhooks.rules import SCHEMES
from app.webhooks.schema import Webhook, WebhookDelivery


@strawberry.type(description="An account's usage limit, which the gateway enforces.")
class UsageLimit:
    unit: model.UsageUnit = strawberry.field(description="What the limit counts.")
    maximum: int = strawberry.field(description="The maximum number of units; 0 means unlimited.")


def _may_transfer_ownership(context: Context, owner_id: UUID | None) -> bool:
    return service.may_transfer_ownership(context.viewer, owner_id)


@fields.node(
    Kind.ACCOUNT,
    description="The container of one customer's applications, keys, users and recorded calls.",
)
class Account(fields.Node[model.Account]):
    name: str = fields.column("The account's name, unique within its service provider.")
    active: bool = fields.column(
        "False: the account is suspended, and all its keys and sessions are rejected within 5 seconds."
    )
    service_provider: fields.Node | None = fields.to_one(
        "ServiceProvider",
        "service_provider_id",
        row=ServiceProviderRow,
        description="The service provider that runs the account.",
        permissions=[IsServiceProvider],
    )
    owner: fields.Node | None = fields.to_one(
        "User",
        "owner_id",
        row=UserRow,
        description="The person who has all permissions of a MANAGER in the account, whatever their role, while active; null: "
        "none, or not visible to the caller.",
    )
    sip_realm: str | None = fields.column(
        "The domain name that SIP devices register with, in lower case; international names as A-labels."
    )
    usage_limit: UsageLimit | None = fields.part(
        UsageLimit,
        {"unit": "usage_unit", "maximum": "usage_maximum"},
        "The account's usage limit.",
        permissions=[IsAdmin],
    )
    licensed_sessions: int | None = fields.column(
        "The number of sessions bought. Independent of the enforced limit.", permissions=[IsAdmin]
    )
    created_by: Creator | None = created_by(
        "Who created it; null if not recorded.",
    )
    created_at: datetime = fields.column("When it was created.")
    updated_at: datetime = fields.column("When its settings were last changed.")
    updated_by: AuditActor | None = updated_by()
    version: int = fields.column(
        "Incremented by each change. Send it as `ifVersion` to avoid overwriting concurrent changes."
    )
    recording_config: fields.Node | None = fields.to_one(
        "RecordingConfig",
        "id",
        row=RecordingConfigRow,
        by="account_id",
        description="Whether and where its calls are recorded; null until first saved and after removal.",
    )
    stored_credentials: Connection[StoredCredential] = fields.page(
        "account_id",
        row=StoredCredentialRow,
        order=NEWEST_FIRST,
        description="The storage keys that its recordings were stored with, newest first, including those no longer in use.",
    )
    api_keys: Connection[ApiKey] = fields.page(
        "account_id", row=ApiKeyRow, order=NEWEST_FIRST, description="The account's API keys, newest first."
    )
    api_key_count: int = fields.count(
        "account_id", row=ApiKeyRow, description="The number of its API keys, including revoked and expired ones."
    )
    device_calling_application: fields.Node | None = fields.to_one(
        "Application",
        "device_calling_application_id",
        row=ApplicationRow,
        description="The application that answers calls of SIP devices registered with its realm; null: none.",
    )
    siprec_application: fields.Node | None = fields.to_one(
        "Application",
        "siprec_application_id",
        row=ApplicationRow,
        description="The application that answers SIPREC calls (RFC 7866); null: none.",
    )
    application_count: int = fields.count(
        "account_id", row=ApplicationRow, description="The number of its applications."
    )

    @fields.resolver("The account's applications.", declared=OF_ACCOUNT)
    async def applications(
        self,
        info: Info,
        row: strawberry.Parent[model.Account],
        first: FirstArgument = DEFAULT_FIRST,
        after: AfterArgument = None,
        filter: Annotated[
            ApplicationFilter | None, strawberry.argument(description="Which applications to list.")
        ] = None,
        order_by: Annotated[
            ApplicationOrder | None, strawberry.argument(description="The order; by name by default.")
        ] = None,
    ) -> Connection[Application]:
        return Application.connection(await OF_ACCOUNT.answer(info.context, row.id, first, after, filter, order_by))

    @fields.resolver(
        f"The account's calls, newest first. `totalCount` stops at {COUNT_LIMIT:,}.",
        declared=CALLS_OF_ACCOUNT,
        permissions=[MayViewCalls],
    )
    async def recent_calls(
        self,
        info: Info,
        row: strawberry.Parent[model.Account],
        first: FirstArgument = DEFAULT_FIRST,
        after: AfterArgument = None,
        filter: Annotated[CallFilter | None, strawberry.argument(description="Which calls to list.")] = None,
    ) -> Connection[Call] | None:
        return Call.connection(await CALLS_OF_ACCOUNT.answer(info.context, row.id, first, after, filter))

    users: Connection[User] = fields.page(
        "account_id", row=UserRow, order=NEWEST_FIRST, description="The account's users, newest first."
    )
    user_count: int = fields.count(
        "account_id", row=UserRow, description="The number of its users, including deactivated ones."
    )
    viewer_can_update: bool = fields.per_viewer(
        lambda viewer: viewer.may([MayEditSettings]),
        "Whether the caller may change the account's settings, webhook secret and recording configuration.",
    )
    viewer_can_test: bool = fields.per_viewer(
        lambda viewer: viewer.may([MayTestAndCallOut]),
        "Whether the caller may test the account's webhooks and storage.",
    )
    viewer_can_create_application: bool = fields.per_viewer(
        lambda viewer: viewer.may([MayEditSettings]), "Whether the caller may create applications of the account."
    )
    viewer_can_update_license: bool = fields.per_viewer(
        lambda viewer: viewer.may([IsAdmin, MayEditSettings]),
        "Whether the caller may change `usageLimit` and `licensedSessions`.",
    )
    viewer_can_set_active: bool = fields.per_viewer(
        lambda viewer: viewer.may([IsServiceProvider, MayEditSettings]),
        "Whether the caller may suspend and resume the account.",
    )
    viewer_can_delete: bool = fields.per_viewer(
        lambda viewer: viewer.may([IsServiceProvider, MayDeleteAccounts]),
        "Whether the caller may delete the account.",
    )
    viewer_can_move: bool = fields.per_viewer(
        lambda viewer: viewer.may([IsAdmin, MayEditSettings]),
        "Whether the caller may move the account to another service provider.",
    )
    viewer_can_transfer_ownership: bool = fields.decrypted(
        _may_transfer_ownership, ["owner_id"], "Whether the caller may make another user the owner of the account."
    )

    webhook_secret: str | None = fields.decrypted(
        webhook_secret.reveal,
        ["id", "name", "webhook_secret"],
        "The secret that signs webhook calls, so that receivers can verify them. Reading it is audited.",
        permissions=[MayViewSecrets],
    )
    previous_webhook_secret_expires_at: datetime | None = fields.time_dependent(
        overlap_end,
        ["previous_webhook_secret_expires_at"],
        "Until when the previous webhook secret also signs; null: it no longer does.",
    )
    registration_webhook: Webhook | None = fields.computed(
        Webhook.of_registration,
        ["registration_webhook_url", "registration_webhook_method", "registration_webhook_username"],
        "The webhook called when a SIP device registers; null: none.",
    )
    queue_event_webhook: Webhook | None = fields.computed(
        Webhook.of_queue_event,
        ["queue_event_webhook_url", "queue_event_webhook_username"],
        "The webhook called when a caller enters or leaves a queue; null: none.",
    )
    webhook_deliveries: Connection[WebhookDelivery] = fields.page(
        "account_id",
        row=WebhookDeliveryRow,
        order=NEWEST_FIRST,
        description="Test deliveries to its webhooks in the last 30 days, newest first.",
    )

    @fields.resolver(
        "The account's cached prompts; null with an error SERVICE_UNAVAILABLE while the cache is unreachable.",
        declared=fields.ResolvedFrom(("id",)),
        weight=2,
    )
    async def tts_cache(self, info: Info, row: strawberry.Parent[model.Account]) -> TtsCache | None:
        return await cache_of(info.context, row.id)


@strawberry.input(description="Which accounts to list. Conditions are combined with AND; null means no condition.")
class AccountFilter:
    search: str | None = strawberry.field(
        default=None, description="Text contained in the name or the SIP realm, ignoring case."
    )
    name_contains: str | None = strawberry.field(default=None, description="Text contained in the name, ignoring case.")
    service_provider_id: strawberry.ID | None = strawberry.field(
        default=None, description="Accounts of this service provider."
    )
    owner_id: strawberry.ID | None = strawberry.field(default=None, description="Accounts that this user owns.")
    active: bool | None = strawberry.field(default=None, description="True: active accounts. False: suspended ones.")
    recording_enabled: bool | None = strawberry.field(
        default=None,
        description="True: accounts whose recording configuration is enabled. False: disabled, or without a configuration.",
    )
    storage_status: StorageStatus | None = strawberry.field(
        default=None, description="Accounts with a recording configuration whose storage has this status."
    )
    has_sip_realm: bool | None = strawberry.field(
        default=None, description="True: accounts with a SIP realm. False: accounts without one."
    )


@strawberry.enum(description="What accounts can be sorted by.")
class AccountOrderField(enum.Enum):
    NAME = strawberry.enum_value("NAME", description="By name, ignoring case.")
    CREATED_AT = strawberry.enum_value("CREATED_AT", description="By creation time.")


@strawberry.input(description="The order of accounts; by name by default.")
class AccountOrder:
    field: AccountOrderField = strawberry.field(default=AccountOrderField.NAME, description="What to sort by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Ascending or descending.")


def _order(given: AccountOrder | None) -> Order:
    wanted = given or AccountOrder()
    return Order.by_name_or_creation("account", wanted.field, wanted.direction)


def _records(enabled: bool) -> Q:
    # The outer join makes False include accounts without a configuration.
    return Q(recording_configs__enabled=True) if enabled else Q(recording_configs__enabled__not=True)


_ACCOUNT = fields.OneById(model.Account, Kind.ACCOUNT)
_ACCOUNTS = fields.PageOfAll(
    model.Account,
    order=_order,
    order_columns=("name_key",),
    conditions={
        "search": fields.Condition(
            lambda text: Containing("name_key", text) | Containing("sip_realm", text), names.key_within
        ),
        "name_contains": fields.Condition(partial(Containing, "name_key"), names.key_within),
        "service_provider_id": fields.Condition("service_provider_id", partial(parse_sid, Kind.SERVICE_PROVIDER)),
        "owner_id": fields.Condition("owner_id", partial(parse_sid, Kind.USER)),
        "active": fields.Condition("active"),
        "recording_enabled": fields.Condition(_records),
        "storage_status": fields.Condition(lambda status: Q(recording_configs__storage_status=status)),
        "has_sip_realm": fields.Condition("sip_realm__isnull", operator.not_),
    },
    weights=fields.across_owners(
        fields.Weights(
            count=400,
            conditions={"search": 1_000, "nameContains": 1_000, "recordingEnabled": 1_500, "storageStatus": 2_500},
        )
    ),
)


@strawberry.type(description="The limits of an account's inputs.")
class AccountLimits:
    name_maximum: int = strawberry.field(
        default=names.MAXIMUM,
        description="Maximum length of a name, in characters (Unicode code points), after trimming.",
    )
    sip_realm_maximum: int = strawberry.field(
        default=inputs.MAXIMUM_SIP_REALM, description="Maximum length of `sipRealm` in its DNS form, in characters."
    )
    usage_limit_maximum: int = strawberry.field(
        default=inputs.MAXIMUM_INT, description="The largest `maximum` of a usage limit; the smallest is 0, unlimited."
    )
    licensed_sessions_maximum: int = strawberry.field(
        default=inputs.MAXIMUM_INT, description="The largest `licensedSessions`; the smallest is 0."
    )
    webhook_schemes: list[str] = strawberry.field(
        default_factory=lambda: list(SCHEMES), description="The URL schemes allowed for its webhooks."
    )
    registration_webhook_methods: list[WebhookMethod] = strawberry.field(
        default_factory=lambda: list(WEBHOOKS[WebhookKind.REGISTRATION].methods),
        description="The HTTP methods allowed for the registration webhook.",
    )
    queue_event_webhook_methods: list[WebhookMethod] = strawberry.field(
        default_factory=lambda: list(WEBHOOKS[WebhookKind.QUEUE_EVENT].methods),
        description="The HTTP methods allowed for the queue event webhook.",
    )
    webhook_secret_overlap_hours_maximum: int = strawberry.field(
        default=MAXIMUM_OVERLAP_HOURS,
        description="The largest `overlapHours` of rotateWebhookSecret, in hours; the smallest is 0.",
    )


@strawberry.type
class AccountQueries:
    @fields.resolver("One account by its id; null if none is visible to the caller.", declared=_ACCOUNT)
    async def account(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="`AC` and 32 hex digits.")]
    ) -> Account | None:
        return Account.of(await _ACCOUNT.answer(info.context, id))

    @fields.resolver("Accounts visible to the caller.", declared=_ACCOUNTS)
    async def accounts(
        self,
        info: Info,
        first: FirstArgument = DEFAULT_FIRST,
        after: AfterArgument = None,
        filter: Annotated[AccountFilter | None, strawberry.argument(description="Which accounts to list.")] = None,
        order_by: Annotated[
            AccountOrder | None, strawberry.argument(description="The order; by name by default.")
        ] = None,
    ) -> Connection[Account]:
        return Account.connection(await _ACCOUNTS.answer(info.context, first, after, filter, order_by))
