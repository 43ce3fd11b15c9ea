"""What is shown of accounts: the settings of the account page, each with who may see and change it.

Long because the contract of one noun stays in one place: its types, inputs, payloads and root fields, nearly all declarations.
"""

import enum
import operator
from datetime import datetime
from functools import partial
from typing import Annotated, Any

import strawberry
from strawberry import Maybe, Some
from tortoise.expressions import Q

from app import graph, names
from app.access import HasFullAccess, IsAdmin, IsServiceProvider
from app.accounts import inputs, model, service
from app.accounts.contents import MAXIMUM_CALLS_COUNTED, AccountContentKind
from app.api_keys.model import ApiKey as ApiKeyRow
from app.api_keys.schema import ApiKey
from app.applications.model import Application as ApplicationRow
from app.applications.schema import OF_ACCOUNT, Application, ApplicationFilter, ApplicationOrder
from app.calls.schema import COUNT_LIMIT, Call, CallFilter
from app.calls.schema import OF_ACCOUNT as CALLS_OF_ACCOUNT
from app.context import Info
from app.errors import UserError, UserErrorCode
from app.idempotency.once import ONCE
from app.identifiers import Kind, read, show
from app.paging import (
    DEFAULT_FIRST,
    NEWEST_FIRST,
    AfterArgument,
    Connection,
    Containing,
    FirstArgument,
    Order,
    OrderDirection,
)
from app.recording.credential_schema import StoredCredential
from app.recording.model import RecordingConfig as RecordingConfigRow
from app.recording.model import StorageStatus
from app.recording.model import StoredCredential as StoredCredentialRow
from app.recording.schema import AccountRecordingConfigInput
from app.service_providers.model import ServiceProvider as ServiceProviderRow
from app.tts_cache.schema import TtsCache, cache_of
from app.users.model import User as UserRow
from app.users.schema import User
from app.webhooks.model import WebhookDelivery as WebhookDeliveryRow
from app.webhooks.model import WebhookKind, WebhookMethod
from app.webhooks.rules import OF_ACCOUNT as WEBHOOKS
from app.webhooks.rules import SCHEMES
from app.webhooks.schema import Webhook, WebhookDelivery, WebhookInput


@strawberry.type(description="How much an account may use. The gateway enforces it.")
class UsageLimit:
    """A value."""

    unit: model.UsageUnit = strawberry.field(description="What is counted.")
    maximum: int = strawberry.field(description="How many of them at most; 0 means unlimited.")


@graph.node(
    Kind.ACCOUNT,
    description="The container of one customer's applications, keys, users and recorded calls.",
)
class Account(graph.Node[model.Account]):
    name: str = graph.column("The account's name, unique within its service provider.")
    active: bool = graph.column("False closes every key and session under the account within 5 seconds.")
    service_provider: graph.Node | None = graph.to_one(
        "ServiceProvider",
        "service_provider_id",
        row=ServiceProviderRow,
        description="Who runs the account.",
        permissions=[IsServiceProvider],
    )
    sip_realm: str | None = graph.column("The domain name that SIP devices register with, in lower case and A-labels.")
    usage_limit: UsageLimit | None = graph.part(
        UsageLimit,
        {"unit": "usage_unit", "maximum": "usage_maximum"},
        "How much the account may use.",
        permissions=[IsAdmin],
    )
    licensed_sessions: int | None = graph.column(
        "How many sessions were bought, apart from the maximum that is enforced.", permissions=[IsAdmin]
    )
    created_at: datetime = graph.column("When it was created.")
    updated_at: datetime = graph.column("When one of its settings was changed last.")
    version: int = graph.column(
        "Grows by one with each change; send it as `ifVersion` to be safe from others' changes."
    )
    recording_config: graph.Node | None = graph.to_one(
        "RecordingConfig",
        "id",
        row=RecordingConfigRow,
        by="account_id",
        description="How its calls are recorded, and where to; null until first saved and after removal.",
    )
    stored_credentials: Connection[StoredCredential] = graph.page(
        "account_id",
        row=StoredCredentialRow,
        order=NEWEST_FIRST,
        description="The keys that its recordings were stored with, newest first; also those that it uses no more.",
    )
    api_keys: Connection[ApiKey] = graph.page(
        "account_id", row=ApiKeyRow, order=NEWEST_FIRST, description="The account's keys, newest first."
    )
    api_key_count: int = graph.count(
        "account_id", row=ApiKeyRow, description="How many keys the account has, closed ones too."
    )
    device_calling_application: graph.Node | None = graph.to_one(
        "Application",
        "device_calling_application_id",
        row=ApplicationRow,
        description="What answers calls of the SIP devices that register with its realm; null: nothing does.",
    )
    siprec_application: graph.Node | None = graph.to_one(
        "Application",
        "siprec_application_id",
        row=ApplicationRow,
        description="What answers SIPREC calls (RFC 7866); null: nothing does.",
    )
    application_count: int = graph.count(
        "account_id", row=ApplicationRow, description="How many applications the account has."
    )

    @graph.resolver("The account's applications.", declared=OF_ACCOUNT)
    async def applications(
        self,
        info: Info,
        row: strawberry.Parent[model.Account],
        first: FirstArgument = DEFAULT_FIRST,
        after: AfterArgument = None,
        filter: Annotated[ApplicationFilter | None, strawberry.argument(description="Which applications.")] = None,
        order_by: Annotated[
            ApplicationOrder | None, strawberry.argument(description="In which order; by name without it.")
        ] = None,
    ) -> Connection[Application]:
        return Application.connection(await OF_ACCOUNT.answer(info.context, row.id, first, after, filter, order_by))

    @graph.resolver(
        f"The account's calls, newest first. `totalCount` counts to {COUNT_LIMIT:,} and no further.",
        declared=CALLS_OF_ACCOUNT,
    )
    async def recent_calls(
        self,
        info: Info,
        row: strawberry.Parent[model.Account],
        first: FirstArgument = DEFAULT_FIRST,
        after: AfterArgument = None,
        filter: Annotated[CallFilter | None, strawberry.argument(description="Which calls.")] = None,
    ) -> Connection[Call]:
        return Call.connection(await CALLS_OF_ACCOUNT.answer(info.context, row.id, first, after, filter))

    users: Connection[User] = graph.page(
        "account_id", row=UserRow, order=NEWEST_FIRST, description="The account's users, newest first."
    )
    user_count: int = graph.count(
        "account_id", row=UserRow, description="How many users the account has, deactivated ones too."
    )
    viewer_can_update: bool = graph.per_viewer(
        lambda viewer: viewer.may([HasFullAccess]),
        "Whether the caller may change the account's settings, with its webhook secret and its recording configuration, and "
        "test its webhooks and its storage.",
    )
    viewer_can_create_application: bool = graph.per_viewer(
        lambda viewer: viewer.may([HasFullAccess]), "Whether the caller may create applications of the account."
    )
    viewer_can_update_license: bool = graph.per_viewer(
        lambda viewer: viewer.may([IsAdmin, HasFullAccess]),
        "Whether the caller may change `usageLimit` and `licensedSessions`.",
    )
    viewer_can_set_active: bool = graph.per_viewer(
        lambda viewer: viewer.may([IsServiceProvider, HasFullAccess]),
        "Whether the caller may suspend and resume the account.",
    )
    viewer_can_delete: bool = graph.per_viewer(
        lambda viewer: viewer.may([IsServiceProvider, HasFullAccess]),
        "Whether the caller may delete the account.",
    )
    viewer_can_move: bool = graph.per_viewer(
        lambda viewer: viewer.may([IsAdmin, HasFullAccess]),
        "Whether the caller may move the account to another service provider.",
    )

    webhook_secret: str | None = graph.opened(
        service.webhook_secret,
        ["id", "webhook_secret"],
        "The secret that signs webhook calls, so that their receiver can tell them from forgeries.",
        permissions=[HasFullAccess],
    )
    previous_webhook_secret_expires_at: datetime | None = graph.timed(
        lambda now, expires_at: expires_at if expires_at and expires_at > now else None,
        ["previous_webhook_secret_expires_at"],
        "Until when the webhook secret before signs as well; null: it signs nothing any more.",
    )
    registration_webhook: Webhook | None = graph.computed(
        Webhook.of_registration,
        ["registration_webhook_url", "registration_webhook_method", "registration_webhook_username"],
        "What is called when a SIP device registers; null: none.",
    )
    queue_event_webhook: Webhook | None = graph.computed(
        Webhook.of_queue_event,
        ["queue_event_webhook_url", "queue_event_webhook_username"],
        "What is called when a caller enters or leaves a queue; null: none.",
    )
    webhook_deliveries: Connection[WebhookDelivery] = graph.page(
        "account_id",
        row=WebhookDeliveryRow,
        order=NEWEST_FIRST,
        description="The tests of its webhooks of the last 30 days, newest first.",
    )

    @graph.resolver(
        "The account's cached prompts; null, with an error SERVICE_UNAVAILABLE, while the cache does not answer.",
        declared=graph.Called(("id",)),
        weight=2,
    )
    async def tts_cache(self, info: Info, row: strawberry.Parent[model.Account]) -> TtsCache | None:
        return await cache_of(info.context, row.id)


@strawberry.input(description="Which accounts to list; conditions are joined with and.")
class AccountFilter:
    """Absent or null: no condition."""

    search: str | None = strawberry.field(
        default=None, description="Text within the name or the SIP realm; upper and lower case count as the same."
    )
    name_contains: str | None = strawberry.field(
        default=None, description="Text within the name; upper and lower case count as the same."
    )
    service_provider_id: strawberry.ID | None = strawberry.field(
        default=None, description="Accounts of this service provider."
    )
    active: bool | None = strawberry.field(default=None, description="Active accounts, or suspended ones.")
    recording_enabled: bool | None = strawberry.field(
        default=None,
        description="Accounts whose recording storage is in use, or those where it is not or is not there.",
    )
    storage_status: StorageStatus | None = strawberry.field(
        default=None, description="Accounts with a recording configuration whose storage has this status."
    )
    has_sip_realm: bool | None = strawberry.field(
        default=None, description="Accounts with a SIP realm, or those without one."
    )


@strawberry.enum(description="What accounts are ordered by.")
class AccountOrderField(enum.Enum):
    """The orders that an index serves."""

    NAME = strawberry.enum_value("NAME", description="By name; upper and lower case count as the same.")
    CREATED_AT = strawberry.enum_value("CREATED_AT", description="By the time of creation.")


@strawberry.input(description="How accounts are ordered.")
class AccountOrder:
    """By name by default."""

    field: AccountOrderField = strawberry.field(default=AccountOrderField.NAME, description="What is compared.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


def _order(given: Any) -> Order:
    wanted = given or AccountOrder()
    column = "name_key" if wanted.field is AccountOrderField.NAME else None
    name = f"account {wanted.field.name} {wanted.direction.name}"
    return Order(name, column, descending=wanted.direction is OrderDirection.DESC)


def _records(enabled: bool) -> Q:
    # An account without a configuration records nothing either.
    return Q(recording_configs__enabled=True) if enabled else Q(recording_configs__enabled__not=True)


_ACCOUNT = graph.OneById(model.Account, Kind.ACCOUNT)
_ACCOUNTS = graph.PageOfAll(
    model.Account,
    order=_order,
    order_columns=("name_key",),
    conditions={
        "search": graph.Condition(
            lambda text: Containing("name_key", text) | Containing("sip_realm", text), names.key_within
        ),
        "name_contains": graph.Condition(partial(Containing, "name_key"), names.key_within),
        "service_provider_id": graph.Condition("service_provider_id", partial(read, Kind.SERVICE_PROVIDER)),
        "active": graph.Condition("active"),
        "recording_enabled": graph.Condition(_records),
        "storage_status": graph.Condition(lambda status: Q(recording_configs__storage_status=status)),
        "has_sip_realm": graph.Condition("sip_realm__isnull", operator.not_),
    },
    weights=graph.across_owners(
        graph.Weights(
            count=400,
            conditions={"search": 1_000, "nameContains": 1_000, "recordingEnabled": 1_500, "storageStatus": 2_500},
        )
    ),
)


@strawberry.type(description="The limits of an account's inputs.")
class AccountLimits:
    """Constants."""

    name_maximum: int = strawberry.field(
        default=names.MAXIMUM, description="Characters (code points) of a name, spaces around it left out."
    )
    sip_realm_maximum: int = strawberry.field(
        default=inputs.MAXIMUM_SIP_REALM, description="Characters of `sipRealm`, as DNS writes it."
    )
    usage_limit_maximum: int = strawberry.field(
        default=inputs.MAXIMUM_INT, description="The greatest `maximum` of a usage limit; the least is 0, unlimited."
    )
    licensed_sessions_maximum: int = strawberry.field(
        default=inputs.MAXIMUM_INT, description="The greatest `licensedSessions`; the least is 0."
    )
    webhook_schemes: list[str] = strawberry.field(
        default_factory=lambda: list(SCHEMES), description="How the URLs of its webhooks may begin, before `://`."
    )
    registration_webhook_methods: list[WebhookMethod] = strawberry.field(
        default_factory=lambda: list(WEBHOOKS[WebhookKind.REGISTRATION].methods),
        description="How the registration webhook may be called.",
    )
    queue_event_webhook_methods: list[WebhookMethod] = strawberry.field(
        default_factory=lambda: list(WEBHOOKS[WebhookKind.QUEUE_EVENT].methods),
        description="How the queue event webhook may be called.",
    )
    webhook_secret_overlap_hours_maximum: int = strawberry.field(
        default=service.MAXIMUM_OVERLAP_HOURS,
        description="The greatest `overlapHours` of rotateWebhookSecret, in hours; the least is 0.",
    )


@strawberry.type
class AccountQueries:
    """Root fields."""

    @graph.resolver("One account by its id; null when there is none within reach.", declared=_ACCOUNT)
    async def account(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="`AC` and 32 hex digits.")]
    ) -> Account | None:
        return Account.of(await _ACCOUNT.answer(info.context, id))

    @graph.resolver("The accounts within reach.", declared=_ACCOUNTS)
    async def accounts(
        self,
        info: Info,
        first: FirstArgument = DEFAULT_FIRST,
        after: AfterArgument = None,
        filter: Annotated[AccountFilter | None, strawberry.argument(description="Which accounts.")] = None,
        order_by: Annotated[
            AccountOrder | None, strawberry.argument(description="In which order; by name without it.")
        ] = None,
    ) -> Connection[Account]:
        return Account.connection(await _ACCOUNTS.answer(info.context, first, after, filter, order_by))


@strawberry.input(description="How much an account may use.")
class UsageLimitInput:
    """Both are given together."""

    unit: model.UsageUnit = strawberry.field(description="What is counted.")
    maximum: int = strawberry.field(description="How many of them at most, 0 or more; 0 means unlimited.")

    def limit(self) -> inputs.Limit:
        return inputs.Limit(self.unit, self.maximum)


@strawberry.input(description="An account to be created.")
class CreateAccountInput:
    """Input of createAccount."""

    name: str = strawberry.field(
        description=f"1 to {names.MAXIMUM} characters, any Unicode; unique within the service provider."
    )
    service_provider_id: strawberry.ID | None = strawberry.field(
        default=None, description="Who runs it: by default the caller's own service provider; admins must say it."
    )
    sip_realm: str | None = strawberry.field(
        default=None,
        description="A domain name of two labels or more, at most 132 characters; unique in the installation.",
    )
    usage_limit: Maybe[UsageLimitInput | None] = graph.guarded(
        "How much it may use; unlimited sessions by default.", permissions=[IsAdmin]
    )
    licensed_sessions: Maybe[int | None] = graph.guarded(
        "How many sessions were bought, 0 or more; 0 by default.", permissions=[IsAdmin]
    )
    idempotency_key: str | None = strawberry.field(default=None, description=ONCE)


@graph.payload()
class CreateAccountPayload(graph.Payload):
    account: Account | None = strawberry.field(default=None, description="The new account.")


@strawberry.input(description="Changes to an account's settings; what is left out stays as it is.")
class UpdateAccountInput:
    """Input of updateAccount."""

    id: strawberry.ID = strawberry.field(description="The account.")
    name: Maybe[str | None] = strawberry.field(
        default=None, description=f"A new name: 1 to {names.MAXIMUM} characters."
    )
    sip_realm: Maybe[str | None] = strawberry.field(default=None, description="A new SIP realm; null clears it.")
    usage_limit: Maybe[UsageLimitInput | None] = graph.guarded("How much it may use.", permissions=[IsAdmin])
    licensed_sessions: Maybe[int | None] = graph.guarded(
        "How many sessions were bought, 0 or more.", permissions=[IsAdmin]
    )
    registration_webhook: Maybe[WebhookInput | None] = strawberry.field(
        default=None, description="What is called when a SIP device registers; null clears it."
    )
    queue_event_webhook: Maybe[WebhookInput | None] = strawberry.field(
        default=None, description="What is called when a caller enters or leaves a queue, by POST; null clears it."
    )
    device_calling_application_id: Maybe[strawberry.ID | None] = strawberry.field(
        default=None, description="One of the account's applications, for calls of SIP devices; null: none."
    )
    siprec_application_id: Maybe[strawberry.ID | None] = strawberry.field(
        default=None, description="One of the account's applications, for SIPREC calls; null: none."
    )
    recording_config: Maybe[AccountRecordingConfigInput | None] = strawberry.field(
        default=None,
        description="How its calls are recorded: saved together with the rest, or nothing is. The first save makes the "
        "configuration; null is refused, removeRecordingConfig removes it.",
    )
    if_version: int | None = strawberry.field(
        default=None, description="Refuse with CONFLICT unless this is still the version."
    )


@graph.payload()
class UpdateAccountPayload(graph.Payload):
    account: Account | None = strawberry.field(default=None, description="The account as it is now.")


def _recording(given: AccountRecordingConfigInput | None) -> service.RecordingChanges | None:
    return service.RecordingChanges(given.if_version, given.changes()) if given else None


@strawberry.input(description="An account that gets another service provider.")
class MoveAccountInput:
    """Input of moveAccount."""

    account_id: strawberry.ID = strawberry.field(description="The account.")
    service_provider_id: strawberry.ID = strawberry.field(
        description="Who runs it from now on; the one that runs it already changes nothing."
    )
    if_version: int | None = strawberry.field(
        default=None, description="Refuse with CONFLICT unless this is still the account's version."
    )


@graph.payload()
class MoveAccountPayload(graph.Payload):
    account: Account | None = strawberry.field(default=None, description="The account as it is now.")


@strawberry.input(description="An account to be suspended or resumed.")
class SetAccountActiveInput:
    """Input of setAccountActive."""

    id: strawberry.ID = strawberry.field(description="The account.")
    active: bool = strawberry.field(description="False closes every key under it within 5 seconds.")
    if_version: int | None = strawberry.field(
        default=None, description="Refuse with CONFLICT unless this is still the version."
    )


@graph.payload()
class SetAccountActivePayload(graph.Payload):
    account: Account | None = strawberry.field(default=None, description="The account as it is now.")


@strawberry.input(description="An account whose webhook secret is replaced.")
class RotateWebhookSecretInput:
    """Input of rotateWebhookSecret."""

    account_id: strawberry.ID = strawberry.field(description="The account.")
    overlap_hours: int = strawberry.field(
        default=24,
        description="For how many hours the old secret signs as well, 0 to "
        f"{service.MAXIMUM_OVERLAP_HOURS}; 0: it signs nothing any more.",
    )
    if_version: int | None = strawberry.field(
        default=None, description="Refuse with CONFLICT unless this is still the account's version."
    )


@graph.payload()
class RotateWebhookSecretPayload(graph.Payload):
    account: Account | None = strawberry.field(default=None, description="The account with its new secret.")


@strawberry.enum(description="What can stand in the way of a deletion.")
class DeletionBlockerKind(enum.Enum):
    """By the rooms of the house."""

    API_KEYS = strawberry.enum_value("API_KEYS", description="API keys of the account, closed ones too.")
    APPLICATIONS = strawberry.enum_value("APPLICATIONS", description="Applications of the account.")
    USERS = strawberry.enum_value("USERS", description="Users of the account, deactivated ones too.")
    CALLS = strawberry.enum_value(
        "CALLS",
        description="Calls of the account. Their recordings stay in the bucket, and nobody finds them here again.",
    )


@strawberry.type(description="Something that stands in the way of a deletion.")
class DeletionBlocker:
    """A value."""

    kind: DeletionBlockerKind = strawberry.field(description="What it is.")
    count: int = strawberry.field(
        description=f"How many of them there are; calls are counted to {MAXIMUM_CALLS_COUNTED:,} and no further."
    )


@strawberry.type(description="Things that an account holds.")
class AccountContent:
    """A value."""

    kind: AccountContentKind = strawberry.field(description="What they are.")
    count: int = strawberry.field(description="How many of them there are.")


@strawberry.input(description="An account to be deleted.")
class DeleteAccountInput:
    """Input of deleteAccount."""

    id: strawberry.ID = strawberry.field(description="The account.")
    dry_run: bool = strawberry.field(
        default=False, description="True: tell what would go and what stands in the way, and delete nothing."
    )
    force: bool = strawberry.field(default=False, description="True: delete what stands in the way as well.")
    if_version: int | None = strawberry.field(
        default=None, description="Refuse with CONFLICT unless this is still the version."
    )


@graph.payload(
    "Recordings in the customer's bucket are never touched.",
    errors="Why nothing was deleted; empty after a deletion and after a dry run.",
)
class DeleteAccountPayload(graph.Payload):
    deleted_id: strawberry.ID | None = strawberry.field(
        default=None, description="The id that is no more; null when nothing was deleted, as after a dry run."
    )
    blockers: list[DeletionBlocker] = strawberry.field(
        default_factory=list, description="What stood or stands in the way and only goes with `force`."
    )
    contents: list[AccountContent] = strawberry.field(
        default_factory=list,
        description="Everything that went with the account, or would go: what stands in the way, and the rest.",
    )
    recordings_stay_in: str | None = strawberry.field(
        default=None,
        description="The bucket of the recording configuration, whose recordings stay as they are; null without one.",
    )


_TAKEN = (
    "Answers that a name or SIP realm is taken by an account that the caller cannot see are audited, and limited together with "
    "those of `createUser`."
)


@strawberry.type
class AccountMutations:
    """Root fields."""

    @graph.mutation(f"Creates an account. {_TAKEN}", permissions=[IsServiceProvider])
    async def create_account(
        self, info: Info, input: Annotated[CreateAccountInput, strawberry.argument(description="The account to be.")]
    ) -> CreateAccountPayload:
        limit = input.usage_limit.value if input.usage_limit else None
        account = await service.create(
            info.context,
            service_provider_id=input.service_provider_id,
            name=input.name,
            sip_realm=input.sip_realm,
            usage_limit=limit.limit() if limit else None,
            licensed_sessions=input.licensed_sessions.value if input.licensed_sessions else None,
            idempotency_key=input.idempotency_key,
        )
        return CreateAccountPayload(account=Account.of(account))

    @graph.mutation(f"Changes an account's settings: what is given, all of it or none, and nothing else. {_TAKEN}")
    async def update_account(
        self, info: Info, input: Annotated[UpdateAccountInput, strawberry.argument(description="The changes.")]
    ) -> UpdateAccountPayload:
        limit, config = input.usage_limit, input.recording_config
        webhooks = {
            kind: given.value.change() if given.value else None
            for kind, given in (
                (WebhookKind.REGISTRATION, input.registration_webhook),
                (WebhookKind.QUEUE_EVENT, input.queue_event_webhook),
            )
            if given
        }
        account = await service.update(
            info.context,
            input.id,
            input.if_version,
            name=input.name,
            sip_realm=input.sip_realm,
            usage_limit=Some(limit.value.limit() if limit.value else None) if limit else None,
            licensed_sessions=input.licensed_sessions,
            webhooks=webhooks,
            device_calling_application_id=input.device_calling_application_id,
            siprec_application_id=input.siprec_application_id,
            recording_config=Some(_recording(config.value)) if config else None,
        )
        return UpdateAccountPayload(account=Account.of(account))

    @graph.mutation(
        "Moves an account to another service provider, with all that is inside. Its keys stay open; NAME_TAKEN when the "
        "provider has an account of that name.",
        permissions=[IsAdmin],
    )
    async def move_account(
        self, info: Info, input: Annotated[MoveAccountInput, strawberry.argument(description="Which, and where to.")]
    ) -> MoveAccountPayload:
        account = await service.move(info.context, input.account_id, input.service_provider_id, input.if_version)
        return MoveAccountPayload(account=Account.of(account))

    @graph.mutation("Suspends or resumes an account.", permissions=[IsServiceProvider])
    async def set_account_active(
        self, info: Info, input: Annotated[SetAccountActiveInput, strawberry.argument(description="Which, and how.")]
    ) -> SetAccountActivePayload:
        account = await service.set_active(info.context, input.id, input.active, input.if_version)
        return SetAccountActivePayload(account=Account.of(account))

    @graph.mutation(
        "Replaces an account's webhook secret. The old one signs as well for some hours, so that receivers can change over; "
        "one from before that signs nothing any more."
    )
    async def rotate_webhook_secret(
        self, info: Info, input: Annotated[RotateWebhookSecretInput, strawberry.argument(description="Which account.")]
    ) -> RotateWebhookSecretPayload:
        account = await service.rotate_webhook_secret(
            info.context, input.account_id, input.if_version, input.overlap_hours
        )
        return RotateWebhookSecretPayload(account=Account.of(account))

    @graph.mutation(
        "Deletes an account with its recording configuration; refused with the list of what stands in the way.",
        permissions=[IsServiceProvider],
    )
    async def delete_account(
        self, info: Info, input: Annotated[DeleteAccountInput, strawberry.argument(description="Which, and how.")]
    ) -> DeleteAccountPayload:
        deleted, found = await service.delete(
            info.context, input.id, dry_run=input.dry_run, force=input.force, if_version=input.if_version
        )
        blockers = [
            DeletionBlocker(kind=DeletionBlockerKind[kind.name], count=found.counts[kind])
            for kind in AccountContentKind
            if kind in service.IN_THE_WAY and kind in found.counts
        ]
        payload = DeleteAccountPayload(
            deleted_id=strawberry.ID(show(Kind.ACCOUNT, deleted)) if deleted else None,
            blockers=blockers,
            contents=[AccountContent(kind=kind, count=count) for kind, count in found.counts.items()],
            recordings_stay_in=found.bucket,
        )
        if deleted is None and not input.dry_run:
            words = " and ".join(_in_words(one) for one in blockers)
            message = f"The account still has {words}. Delete them too with `force: true`."
            payload.user_errors = [UserError(code=UserErrorCode.IN_USE, message=message, field=["id"])]
        return payload


_WORDS = {
    DeletionBlockerKind.API_KEYS: "API key",
    DeletionBlockerKind.APPLICATIONS: "application",
    DeletionBlockerKind.USERS: "user",
    DeletionBlockerKind.CALLS: "call",
}


def _in_words(blocker: DeletionBlocker) -> str:
    is_more = blocker.kind is DeletionBlockerKind.CALLS and blocker.count >= MAXIMUM_CALLS_COUNTED
    return f"{blocker.count}{' or more' if is_more else ''} {_WORDS[blocker.kind]}(s)"
