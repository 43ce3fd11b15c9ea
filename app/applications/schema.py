"""What is shown of applications: what answers an account's calls, and what would happen to the recording of them.

Long because the contract of one noun stays in one place: its types, inputs, payloads and root fields, nearly all declarations.
"""

import enum
from datetime import datetime
from functools import partial
from typing import Annotated

import strawberry
from strawberry import Maybe, Some

from app.accounts.model import Account as AccountRow
from app.applications import model, service
from app.applications import recording_decision as recording
from app.foundation import names
from app.foundation.access import HasFullAccess
from app.foundation.context import Info
from app.foundation.errors import UserError, UserErrorCode
from app.foundation.graphql import fields
from app.foundation.graphql.pagination import Containing, Order, OrderDirection
from app.foundation.idempotency.run_once import ONCE
from app.foundation.identifiers import Kind, sid_of
from app.service_providers.model import ServiceProvider as ServiceProviderRow
from app.storage.model import RecordingConfig as RecordingConfigRow
from app.webhooks.model import WebhookMethod
from app.webhooks.schema import Webhook, WebhookInput, webhook_change


def _webhook(url: str | None, method: WebhookMethod | None, username: str | None) -> Webhook | None:
    if url is None or method is None:
        return None
    # Held by a constraint: there is a password beside each user name and nowhere else.
    return Webhook(url=url, method=method, username=username, has_password=username is not None)


_ACCOUNT = fields.ToOne("account_id", AccountRow, "id")
_PROVIDER = fields.ToOne("service_provider_id", ServiceProviderRow, "id")
_CONFIGURATION = fields.ToOne("account_id", RecordingConfigRow, "account_id")


@strawberry.type(description="What would happen to the calls of an application.")
class ApplicationRecording:
    """Stands over recording.Outlook."""

    recorded: bool = strawberry.field(description="Whether a call that begins now is recorded.")
    reason: recording.RecordingReason = strawberry.field(description="Why, or why not.")
    message: str = strawberry.field(description="The same in a sentence for a person.")


@fields.node(
    Kind.APPLICATION,
    description="What answers calls of an account, reached by webhooks. Belongs to one account, for ever.",
)
class Application(fields.Node[model.Application]):
    name: str = fields.column("The application's name, unique within its account.")
    account: fields.Node | None = fields.to_one(
        "Account", "account_id", row=AccountRow, description="The account it belongs to."
    )
    calling_webhook: Webhook = fields.computed(
        _webhook,
        ["calling_webhook_url", "calling_webhook_method", "calling_webhook_username"],
        "What is asked how to answer a call.",
    )
    call_status_webhook: Webhook | None = fields.computed(
        _webhook,
        ["call_status_webhook_url", "call_status_webhook_method", "call_status_webhook_username"],
        "What is told how calls go on; null: nothing is.",
    )
    record_all_calls: bool = fields.column(
        "Whether all its calls are recorded, while the account's storage is enabled."
    )
    recording: ApplicationRecording = fields.from_related(
        recording.decide,
        ["record_all_calls"],
        [
            fields.Related((_CONFIGURATION,), recording.CONFIGURATION),
            fields.Related((_ACCOUNT,), recording.OWNER),
            fields.Related((_ACCOUNT, _PROVIDER), recording.OWNER),
        ],
        description="Whether its calls are recorded, and why: by its own switch, the account's recording configuration, and "
        "whether the account and its service provider are active.",
    )
    used_for: list[service.ApplicationUse] = fields.from_related(
        service.uses_of,
        ["id"],
        [fields.Related((_ACCOUNT,), tuple(service.POINTERS.values()))],
        description="What its account uses it for; while it does, deleting it needs `force`.",
    )
    created_at: datetime = fields.column("When it was created.")
    updated_at: datetime = fields.column("When it was changed last.")
    version: int = fields.column(
        "Grows by one with each change; send it as `ifVersion` to be safe from others' changes."
    )
    viewer_can_update: bool = fields.per_viewer(
        lambda viewer: viewer.may([HasFullAccess]), "Whether the caller may change the application."
    )
    viewer_can_delete: bool = fields.per_viewer(
        lambda viewer: viewer.may([HasFullAccess]), "Whether the caller may delete the application."
    )


@strawberry.input(description="Which applications to list; conditions are joined with and.")
class ApplicationFilter:
    """Absent or null: no condition."""

    name_contains: str | None = strawberry.field(
        default=None, description="Text within the name; upper and lower case count as the same."
    )
    record_all_calls: bool | None = strawberry.field(
        default=None, description="Applications that record all their calls, or those that do not."
    )


@strawberry.enum(description="What applications are ordered by.")
class ApplicationOrderField(enum.Enum):
    """The orders that an index serves."""

    NAME = strawberry.enum_value("NAME", description="By name; upper and lower case count as the same.")
    CREATED_AT = strawberry.enum_value("CREATED_AT", description="By the time of creation.")


@strawberry.input(description="How applications are ordered.")
class ApplicationOrder:
    """By name by default."""

    field: ApplicationOrderField = strawberry.field(default=ApplicationOrderField.NAME, description="What is compared.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


def _order(given: ApplicationOrder | None) -> Order:
    wanted = given or ApplicationOrder()
    return Order.by_name_or_creation("application", wanted.field, wanted.direction)


OF_ACCOUNT = fields.PageOf(
    model.Application,
    order=_order,
    order_columns=("name_key",),
    conditions={
        "name_contains": fields.Condition(partial(Containing, "name_key"), names.key_within),
        "record_all_calls": fields.Condition("record_all_calls"),
    },
    by="account_id",
)
"""The applications of an account, on which the field stands."""
_APPLICATION = fields.OneById(model.Application, Kind.APPLICATION)


@strawberry.type(description="The limits of an application's inputs; those of its webhooks' parts are in `webhook`.")
class ApplicationLimits:
    """Constants."""

    name_maximum: int = strawberry.field(
        default=names.MAXIMUM, description="Characters (code points) of a name, spaces around it left out."
    )
    calling_webhook_schemes: list[str] = strawberry.field(
        default_factory=lambda: list(service.CALLING.schemes),
        description="How the URL of its calling webhook may begin, before `://`.",
    )
    call_status_webhook_schemes: list[str] = strawberry.field(
        default_factory=lambda: list(service.CALL_STATUS.schemes),
        description="How the URL of its call status webhook may begin, before `://`.",
    )


@strawberry.type
class ApplicationQueries:
    """Root fields."""

    @fields.resolver("One application by its id; null when there is none within reach.", declared=_APPLICATION)
    async def application(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="`AP` and 32 hex digits.")]
    ) -> Application | None:
        return Application.of(await _APPLICATION.answer(info.context, id))


@strawberry.input(description="An application to be created.")
class CreateApplicationInput:
    """Input of createApplication."""

    account_id: strawberry.ID = strawberry.field(description="The account that it will belong to.")
    name: str = strawberry.field(
        description=f"1 to {names.MAXIMUM} characters, any Unicode; unique within the account."
    )
    calling_webhook: WebhookInput = strawberry.field(description="What is asked how to answer a call.")
    call_status_webhook: WebhookInput | None = strawberry.field(
        default=None, description="What is told how calls go on; nothing by default."
    )
    record_all_calls: bool = strawberry.field(default=False, description="Record all its calls.")
    idempotency_key: str | None = strawberry.field(default=None, description=ONCE)

    def application(self) -> service.NewApplication:
        status = self.call_status_webhook
        settings = service.ApplicationPatch(
            name=Some(self.name),
            calling_webhook=Some(self.calling_webhook.change()),
            call_status_webhook=Some(status.change()) if status else None,
            record_all_calls=Some(self.record_all_calls),
        )
        return service.NewApplication(self.account_id, settings)


@fields.payload()
class CreateApplicationPayload(fields.Payload):
    application: Application | None = strawberry.field(default=None, description="The new application.")


@strawberry.input(description="Changes to an application; what is left out stays as it is.")
class UpdateApplicationInput:
    """Input of updateApplication."""

    id: strawberry.ID = strawberry.field(description="The application.")
    name: Maybe[str | None] = strawberry.field(
        default=None, description=f"A new name: 1 to {names.MAXIMUM} characters."
    )
    calling_webhook: Maybe[WebhookInput | None] = strawberry.field(
        default=None, description="What is asked how to answer a call. Cannot be cleared."
    )
    call_status_webhook: Maybe[WebhookInput | None] = strawberry.field(
        default=None, description="What is told how calls go on; null clears it."
    )
    record_all_calls: Maybe[bool | None] = strawberry.field(default=None, description="Record all its calls.")
    if_version: int | None = strawberry.field(
        default=None, description="Refuse with CONFLICT unless this is still the version."
    )

    def patch(self) -> service.ApplicationPatch:
        return service.ApplicationPatch(
            name=self.name,
            calling_webhook=webhook_change(self.calling_webhook),
            call_status_webhook=webhook_change(self.call_status_webhook),
            record_all_calls=self.record_all_calls,
            if_version=self.if_version,
        )


@fields.payload()
class UpdateApplicationPayload(fields.Payload):
    application: Application | None = strawberry.field(default=None, description="The application as it is now.")


@strawberry.input(description="An application to be deleted.")
class DeleteApplicationInput:
    """Input of deleteApplication."""

    id: strawberry.ID = strawberry.field(description="The application.")
    dry_run: bool = strawberry.field(
        default=False, description="True: tell what stands in the way, and delete nothing."
    )
    force: bool = strawberry.field(
        default=False, description="True: delete it even when its account uses it; the account then uses none."
    )
    if_version: int | None = strawberry.field(
        default=None, description="Refuse with CONFLICT unless this is still the version."
    )


@strawberry.type(description="A use of an application that stands in the way of its deletion.")
class ApplicationDeletionBlocker:
    """A value."""

    kind: service.ApplicationUse = strawberry.field(description="What the account uses it for.")


@fields.payload(
    "Recordings of its calls are never touched.",
    errors="Why nothing was deleted; empty after a deletion and after a dry run.",
)
class DeleteApplicationPayload(fields.Payload):
    deleted_id: strawberry.ID | None = strawberry.field(
        default=None, description="The id that is no more; null when nothing was deleted, as after a dry run."
    )
    blockers: list[ApplicationDeletionBlocker] = strawberry.field(
        default_factory=list, description="What stood or stands in the way and is only cleared with `force`."
    )


@strawberry.type
class ApplicationMutations:
    """Root fields."""

    @fields.mutation("Creates an application of an account.")
    async def create_application(
        self,
        info: Info,
        input: Annotated[CreateApplicationInput, strawberry.argument(description="The application to be.")],
    ) -> CreateApplicationPayload:
        application = await service.create(info.context, input.application(), input.idempotency_key)
        return CreateApplicationPayload(application=Application.of(application))

    @fields.mutation("Changes an application: what is given, and nothing else.")
    async def update_application(
        self, info: Info, input: Annotated[UpdateApplicationInput, strawberry.argument(description="The changes.")]
    ) -> UpdateApplicationPayload:
        application = await service.update(info.context, input.id, input.patch())
        return UpdateApplicationPayload(application=Application.of(application))

    @fields.mutation("Deletes an application; refused, telling what for, while its account uses it.")
    async def delete_application(
        self, info: Info, input: Annotated[DeleteApplicationInput, strawberry.argument(description="Which, and how.")]
    ) -> DeleteApplicationPayload:
        deleted, uses = await service.delete(
            info.context, input.id, dry_run=input.dry_run, force=input.force, if_version=input.if_version
        )
        blockers = [ApplicationDeletionBlocker(kind=use) for use in uses]
        if deleted is None and not input.dry_run:
            words = " and ".join(_WORDS[use] for use in uses)
            message = f"The account uses the application for {words}. Delete it all the same with `force: true`."
            refused = UserError(code=UserErrorCode.IN_USE, message=message, field=["id"])
            return DeleteApplicationPayload(blockers=blockers, user_errors=[refused])
        return DeleteApplicationPayload(
            deleted_id=strawberry.ID(sid_of(Kind.APPLICATION, deleted)) if deleted else None, blockers=blockers
        )


_WORDS = {
    service.ApplicationUse.DEVICE_CALLS: "SIP device calls",
    service.ApplicationUse.SIPREC_CALLS: "SIPREC calls",
}
