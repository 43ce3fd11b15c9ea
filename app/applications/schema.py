"""GraphQL types, queries and mutations of applications."""

import enum
from datetime import datetime
from functools import partial
from typing import Annotated

import strawberry
from strawberry import Maybe, Some

from app.accounts.model import Account as AccountRow
from app.applications import model, service
from app.applications import recording_decision as recording
from app.audit.actor_schema import AuditActor, updated_by
from app.foundation import names
from app.foundation.access import MayEditSettings
from app.foundation.context import Info
from app.foundation.graphql import fields
from app.foundation.graphql.pagination import Containing, Order, OrderDirection
from app.foundation.idempotency.run_once import IDEMPOTENCY_KEY
from app.foundation.identifiers import Kind, sid_of
from app.foundation.user_errors import UserError
from app.service_providers.model import ServiceProvider as ServiceProviderRow
from app.storage.model import RecordingConfig as RecordingConfigRow
from app.webhooks.model import WebhookMethod
from app.webhooks.schema import Webhook, WebhookInput, webhook_change


def _webhook(url: str | None, method: WebhookMethod | None, username: str | None) -> Webhook | None:
    if url is None or method is None:
        return None
    # A CHECK constraint requires a password exactly where there is a user name.
    return Webhook(url=url, method=method, username=username, has_password=username is not None)


_ACCOUNT = fields.ToOne("account_id", AccountRow, "id")
_PROVIDER = fields.ToOne("service_provider_id", ServiceProviderRow, "id")
_CONFIGURATION = fields.ToOne("account_id", RecordingConfigRow, "account_id")


@strawberry.type(description="Whether an application's calls are recorded, and why.")
class ApplicationRecording:
    recorded: bool = strawberry.field(description="Whether a call that begins now is recorded.")
    reason: recording.RecordingReason = strawberry.field(description="Why or why not.")
    message: str = strawberry.field(description="The decision and its reason as a sentence.")


@fields.node(
    Kind.APPLICATION,
    description="Answers calls of an account through webhooks. Always belongs to the same account.",
)
class Application(fields.Node[model.Application]):
    name: str = fields.column("The application's name, unique within its account.")
    account: fields.Node | None = fields.to_one(
        "Account", "account_id", row=AccountRow, description="The account it belongs to."
    )
    calling_webhook: Webhook = fields.computed(
        _webhook,
        ["calling_webhook_url", "calling_webhook_method", "calling_webhook_username"],
        "The webhook that decides how to answer a call.",
    )
    call_status_webhook: Webhook | None = fields.computed(
        _webhook,
        ["call_status_webhook_url", "call_status_webhook_method", "call_status_webhook_username"],
        "The webhook that receives status changes of calls; null: none.",
    )
    record_all_calls: bool = fields.column(
        "Whether all its calls are recorded while the account's recording configuration is enabled."
    )
    recording: ApplicationRecording = fields.from_related(
        recording.decide,
        ["record_all_calls"],
        [
            fields.Related((_CONFIGURATION,), recording.CONFIGURATION_COLUMNS),
            fields.Related((_ACCOUNT,), recording.OWNER_COLUMNS),
            fields.Related((_ACCOUNT, _PROVIDER), recording.OWNER_COLUMNS),
        ],
        description="Whether its calls are recorded, and why. Depends on `recordAllCalls`, the account's recording "
        "configuration, and whether the account and its service provider are active.",
    )
    used_for: list[service.ApplicationUse] = fields.from_related(
        service.uses_of,
        ["id"],
        [fields.Related((_ACCOUNT,), tuple(service.POINTERS.values()))],
        description="What the account uses it for. Deleting an application in use needs `force`.",
    )
    created_at: datetime = fields.column("When it was created.")
    updated_at: datetime = fields.column("When it was last changed.")
    updated_by: AuditActor | None = updated_by()
    version: int = fields.column(
        "Incremented by each change. Send it as `ifVersion` to avoid overwriting concurrent changes."
    )
    viewer_can_update: bool = fields.per_viewer(
        lambda viewer: viewer.may([MayEditSettings]), "Whether the caller may change the application."
    )
    viewer_can_delete: bool = fields.per_viewer(
        lambda viewer: viewer.may([MayEditSettings]), "Whether the caller may delete the application."
    )


@strawberry.input(description="Which applications to list. Conditions are combined with AND; null means no condition.")
class ApplicationFilter:
    name_contains: str | None = strawberry.field(default=None, description="Text contained in the name, ignoring case.")
    record_all_calls: bool | None = strawberry.field(
        default=None, description="True: applications that record all their calls. False: those that do not."
    )


@strawberry.enum(description="What applications can be sorted by.")
class ApplicationOrderField(enum.Enum):
    NAME = strawberry.enum_value("NAME", description="By name, ignoring case.")
    CREATED_AT = strawberry.enum_value("CREATED_AT", description="By creation time.")


@strawberry.input(description="The order of applications; by name by default.")
class ApplicationOrder:
    field: ApplicationOrderField = strawberry.field(default=ApplicationOrderField.NAME, description="What to sort by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Ascending or descending.")


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
"""The applications of an account."""
_APPLICATION = fields.OneById(model.Application, Kind.APPLICATION)


@strawberry.type(description="The limits of an application's inputs. For the parts of its webhooks, see `webhook`.")
class ApplicationLimits:
    name_maximum: int = strawberry.field(
        default=names.MAXIMUM,
        description="Maximum length of a name, in characters (Unicode code points), after trimming.",
    )
    calling_webhook_schemes: list[str] = strawberry.field(
        default_factory=lambda: list(service.CALLING.schemes),
        description="The URL schemes allowed for its calling webhook.",
    )
    call_status_webhook_schemes: list[str] = strawberry.field(
        default_factory=lambda: list(service.CALL_STATUS.schemes),
        description="The URL schemes allowed for its call status webhook.",
    )


@strawberry.type
class ApplicationQueries:
    @fields.resolver("One application by its id; null if none is visible to the caller.", declared=_APPLICATION)
    async def application(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="`AP` and 32 hex digits.")]
    ) -> Application | None:
        return Application.of(await _APPLICATION.answer(info.context, id))


@strawberry.input(description="The application to create.")
class CreateApplicationInput:
    account_id: strawberry.ID = strawberry.field(description="The account it belongs to.")
    name: str = strawberry.field(
        description=f"1 to {names.MAXIMUM} characters, any Unicode; unique within the account."
    )
    calling_webhook: WebhookInput = strawberry.field(description="The webhook that decides how to answer a call.")
    call_status_webhook: WebhookInput | None = strawberry.field(
        default=None, description="The webhook that receives status changes of calls; none by default."
    )
    record_all_calls: bool = strawberry.field(default=False, description="Whether to record all its calls.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)

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


@strawberry.input(description="Changes to an application. Omitted fields keep their values.")
class UpdateApplicationInput:
    id: strawberry.ID = strawberry.field(description="The application.")
    name: Maybe[str | None] = strawberry.field(
        default=None, description=f"A new name: 1 to {names.MAXIMUM} characters."
    )
    calling_webhook: Maybe[WebhookInput | None] = strawberry.field(
        default=None, description="The webhook that decides how to answer a call. Cannot be cleared."
    )
    call_status_webhook: Maybe[WebhookInput | None] = strawberry.field(
        default=None, description="The webhook that receives status changes of calls; null clears it."
    )
    record_all_calls: Maybe[bool | None] = strawberry.field(
        default=None, description="Whether to record all its calls."
    )
    if_version: int | None = strawberry.field(
        default=None, description="Fails with CONFLICT unless this is the current version."
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


@strawberry.input(description="The application to delete.")
class DeleteApplicationInput:
    id: strawberry.ID = strawberry.field(description="The application.")
    dry_run: bool = strawberry.field(
        default=False, description="True: return what blocks the deletion, and delete nothing."
    )
    force: bool = strawberry.field(
        default=False, description="True: also delete an application in use, and clear its uses by the account."
    )
    if_version: int | None = strawberry.field(
        default=None, description="Fails with CONFLICT unless this is the current version."
    )


@strawberry.type(description="A use of an application that blocks its deletion.")
class ApplicationDeletionBlocker:
    kind: service.ApplicationUse = strawberry.field(description="What the account uses it for.")


@fields.payload(
    "Recordings of its calls are never deleted.",
    errors="Why nothing was deleted; empty after a deletion or a dry run.",
)
class DeleteApplicationPayload(fields.Payload):
    deleted_id: strawberry.ID | None = strawberry.field(
        default=None, description="Id of the deleted object; null if nothing was deleted, as after a dry run."
    )
    blockers: list[ApplicationDeletionBlocker] = strawberry.field(
        default_factory=list, description="What blocks the deletion, or blocked it before `force`."
    )


@strawberry.type
class ApplicationMutations:
    @fields.mutation("Creates an application in an account.", permissions=[MayEditSettings])
    async def create_application(
        self,
        info: Info,
        input: Annotated[CreateApplicationInput, strawberry.argument(description="The new application.")],
    ) -> CreateApplicationPayload:
        application = await service.create(info.context, input.application(), input.idempotency_key)
        return CreateApplicationPayload(application=Application.of(application))

    @fields.mutation("Changes the given fields of an application.", permissions=[MayEditSettings])
    async def update_application(
        self, info: Info, input: Annotated[UpdateApplicationInput, strawberry.argument(description="The changes.")]
    ) -> UpdateApplicationPayload:
        application = await service.update(info.context, input.id, input.patch())
        return UpdateApplicationPayload(application=Application.of(application))

    @fields.mutation(
        "Deletes an application. Refused with IN_USE while its account uses it, unless `force` is true.",
        permissions=[MayEditSettings],
    )
    async def delete_application(
        self,
        info: Info,
        input: Annotated[DeleteApplicationInput, strawberry.argument(description="The application and the options.")],
    ) -> DeleteApplicationPayload:
        deleted, uses = await service.delete(
            info.context, input.id, dry_run=input.dry_run, force=input.force, if_version=input.if_version
        )
        blockers = [ApplicationDeletionBlocker(kind=use) for use in uses]
        if deleted is None and not input.dry_run:
            summary = " and ".join(_USE_NOUNS[use] for use in uses)
            refused = UserError.of(service.ApplicationRule.APPLICATION_IN_USE, "id", uses=summary)
            return DeleteApplicationPayload(blockers=blockers, user_errors=[refused])
        return DeleteApplicationPayload(
            deleted_id=strawberry.ID(sid_of(Kind.APPLICATION, deleted)) if deleted else None, blockers=blockers
        )


_USE_NOUNS = {
    service.ApplicationUse.DEVICE_CALLS: "SIP device calls",
    service.ApplicationUse.SIPREC_CALLS: "SIPREC calls",
}
