"""The mutations of accounts: which settings their inputs take, each with who may change it, and what they answer."""

import enum
from typing import Annotated

import strawberry
from strawberry import Maybe, Some

from app.accounts import model, service, webhook_secret
from app.accounts.contents import MAXIMUM_CALLS_COUNTED, AccountContentKind
from app.accounts.inputs import AccountPatch, Limit, NewAccount
from app.accounts.schema import Account
from app.foundation import names
from app.foundation.access import IsAdmin, IsServiceProvider
from app.foundation.context import Info
from app.foundation.errors import UserError, UserErrorCode
from app.foundation.graphql import fields
from app.foundation.idempotency.run_once import ONCE
from app.foundation.identifiers import Kind, sid_of
from app.storage.schema import AccountRecordingConfigInput
from app.webhooks.schema import WebhookInput, webhook_change


@strawberry.input(description="How much an account may use.")
class UsageLimitInput:
    """Both are given together."""

    unit: model.UsageUnit = strawberry.field(description="What is counted.")
    maximum: int = strawberry.field(description="How many of them at most, 0 or more; 0 means unlimited.")

    def limit(self) -> Limit:
        return Limit(self.unit, self.maximum)


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
    usage_limit: Maybe[UsageLimitInput | None] = fields.guarded(
        "How much it may use; unlimited sessions by default.", permissions=[IsAdmin]
    )
    licensed_sessions: Maybe[int | None] = fields.guarded(
        "How many sessions were bought, 0 or more; 0 by default.", permissions=[IsAdmin]
    )
    idempotency_key: str | None = strawberry.field(default=None, description=ONCE)

    def account(self) -> NewAccount:
        limit = self.usage_limit.value if self.usage_limit else None
        return NewAccount(
            name=self.name,
            service_provider_id=self.service_provider_id,
            sip_realm=self.sip_realm,
            usage_limit=limit.limit() if limit else None,
            licensed_sessions=self.licensed_sessions.value if self.licensed_sessions else None,
        )


@fields.payload()
class CreateAccountPayload(fields.Payload):
    account: Account | None = strawberry.field(default=None, description="The new account.")


@strawberry.input(description="Changes to an account's settings; what is left out stays as it is.")
class UpdateAccountInput:
    """Input of updateAccount."""

    id: strawberry.ID = strawberry.field(description="The account.")
    name: Maybe[str | None] = strawberry.field(
        default=None, description=f"A new name: 1 to {names.MAXIMUM} characters."
    )
    sip_realm: Maybe[str | None] = strawberry.field(default=None, description="A new SIP realm; null clears it.")
    usage_limit: Maybe[UsageLimitInput | None] = fields.guarded("How much it may use.", permissions=[IsAdmin])
    licensed_sessions: Maybe[int | None] = fields.guarded(
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

    def patch(self) -> AccountPatch:
        limit, registration, queue_event = self.usage_limit, self.registration_webhook, self.queue_event_webhook
        config = self.recording_config
        return AccountPatch(
            name=self.name,
            sip_realm=self.sip_realm,
            usage_limit=Some(limit.value.limit() if limit.value else None) if limit else None,
            licensed_sessions=self.licensed_sessions,
            registration_webhook=webhook_change(registration),
            queue_event_webhook=webhook_change(queue_event),
            device_calling_application_id=self.device_calling_application_id,
            siprec_application_id=self.siprec_application_id,
            recording_config=Some(config.value.patch() if config.value else None) if config else None,
            if_version=self.if_version,
        )


@fields.payload()
class UpdateAccountPayload(fields.Payload):
    account: Account | None = strawberry.field(default=None, description="The account as it is now.")


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


@fields.payload()
class MoveAccountPayload(fields.Payload):
    account: Account | None = strawberry.field(default=None, description="The account as it is now.")


@strawberry.input(description="An account to be suspended or resumed.")
class SetAccountActiveInput:
    """Input of setAccountActive."""

    id: strawberry.ID = strawberry.field(description="The account.")
    active: bool = strawberry.field(description="False closes every key under it within 5 seconds.")
    if_version: int | None = strawberry.field(
        default=None, description="Refuse with CONFLICT unless this is still the version."
    )


@fields.payload()
class SetAccountActivePayload(fields.Payload):
    account: Account | None = strawberry.field(default=None, description="The account as it is now.")


@strawberry.input(description="An account whose webhook secret is replaced.")
class RotateWebhookSecretInput:
    """Input of rotateWebhookSecret."""

    account_id: strawberry.ID = strawberry.field(description="The account.")
    overlap_hours: int = strawberry.field(
        default=24,
        description="For how many hours the old secret signs as well, 0 to "
        f"{webhook_secret.MAXIMUM_OVERLAP_HOURS}; 0: it signs nothing any more.",
    )
    if_version: int | None = strawberry.field(
        default=None, description="Refuse with CONFLICT unless this is still the account's version."
    )


@fields.payload()
class RotateWebhookSecretPayload(fields.Payload):
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


@fields.payload(
    "Recordings in the customer's bucket are never touched.",
    errors="Why nothing was deleted; empty after a deletion and after a dry run.",
)
class DeleteAccountPayload(fields.Payload):
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

    @fields.mutation(f"Creates an account. {_TAKEN}", permissions=[IsServiceProvider])
    async def create_account(
        self, info: Info, input: Annotated[CreateAccountInput, strawberry.argument(description="The account to be.")]
    ) -> CreateAccountPayload:
        account = await service.create(info.context, input.account(), input.idempotency_key)
        return CreateAccountPayload(account=Account.of(account))

    @fields.mutation(f"Changes an account's settings: what is given, all of it or none, and nothing else. {_TAKEN}")
    async def update_account(
        self, info: Info, input: Annotated[UpdateAccountInput, strawberry.argument(description="The changes.")]
    ) -> UpdateAccountPayload:
        account = await service.update(info.context, input.id, input.patch())
        return UpdateAccountPayload(account=Account.of(account))

    @fields.mutation(
        "Moves an account to another service provider, with all that is inside. Its keys stay open; NAME_TAKEN when the "
        "provider has an account of that name.",
        permissions=[IsAdmin],
    )
    async def move_account(
        self, info: Info, input: Annotated[MoveAccountInput, strawberry.argument(description="Which, and where to.")]
    ) -> MoveAccountPayload:
        account = await service.move(info.context, input.account_id, input.service_provider_id, input.if_version)
        return MoveAccountPayload(account=Account.of(account))

    @fields.mutation("Suspends or resumes an account.", permissions=[IsServiceProvider])
    async def set_account_active(
        self, info: Info, input: Annotated[SetAccountActiveInput, strawberry.argument(description="Which, and how.")]
    ) -> SetAccountActivePayload:
        account = await service.set_active(info.context, input.id, input.active, input.if_version)
        return SetAccountActivePayload(account=Account.of(account))

    @fields.mutation(
        "Replaces an account's webhook secret. The old one signs as well for some hours, so that receivers can change over; "
        "one from before that signs nothing any more."
    )
    async def rotate_webhook_secret(
        self, info: Info, input: Annotated[RotateWebhookSecretInput, strawberry.argument(description="Which account.")]
    ) -> RotateWebhookSecretPayload:
        account = await webhook_secret.rotate(info.context, input.account_id, input.if_version, input.overlap_hours)
        return RotateWebhookSecretPayload(account=Account.of(account))

    @fields.mutation(
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
            deleted_id=strawberry.ID(sid_of(Kind.ACCOUNT, deleted)) if deleted else None,
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
