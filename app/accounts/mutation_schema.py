"""The mutations of accounts: their inputs, with the permissions of each setting, and payloads."""

import enum
from typing import Annotated

import strawberry
from strawberry import Maybe, Some

from app.accounts import model, service, webhook_secret
from app.accounts.contents import MAXIMUM_CALLS_COUNTED, AccountContentKind
from app.accounts.inputs import AccountPatch, Limit, NewAccount
from app.accounts.schema import Account
from app.foundation import names
from app.foundation.access import (
    IsAdmin,
    IsServiceProvider,
    MayCreateAccounts,
    MayDeleteAccounts,
    MayEditSettings,
    MayManageUsers,
)
from app.foundation.context import Info
from app.foundation.graphql import fields
from app.foundation.idempotency.run_once import IDEMPOTENCY_KEY
from app.foundation.identifiers import Kind, sid_of
from app.foundation.revocations import WHEN_REFUSED
from app.foundation.secret_overlap import MAXIMUM_OVERLAP_HOURS
from app.foundation.user_errors import UserError
from app.storage.schema import AccountRecordingConfigInput
from app.webhooks.schema import WebhookInput, webhook_change


@strawberry.input(description="An account's usage limit.")
class UsageLimitInput:
    unit: model.UsageUnit = strawberry.field(description="What the limit counts.")
    maximum: int = strawberry.field(description="The maximum number of units, 0 or more; 0 means unlimited.")

    def limit(self) -> Limit:
        return Limit(self.unit, self.maximum)


@strawberry.input(description="The account to create.")
class CreateAccountInput:
    name: str = strawberry.field(
        description=f"1 to {names.MAXIMUM} characters, any Unicode; unique within the service provider."
    )
    service_provider_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="The service provider that runs it: by default the caller's own. Required for admins.",
    )
    sip_realm: str | None = strawberry.field(
        default=None,
        description="A domain name of two labels or more, at most 132 characters; unique within the installation.",
    )
    usage_limit: Maybe[UsageLimitInput | None] = fields.guarded(
        "Its usage limit; unlimited sessions by default.", permissions=[IsAdmin]
    )
    licensed_sessions: Maybe[int | None] = fields.guarded(
        "The number of sessions bought, 0 or more; 0 by default.", permissions=[IsAdmin]
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)

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


@strawberry.input(description="Changes to an account's settings. Omitted fields keep their values.")
class UpdateAccountInput:
    id: strawberry.ID = strawberry.field(description="The account.")
    name: Maybe[str | None] = strawberry.field(
        default=None, description=f"A new name: 1 to {names.MAXIMUM} characters."
    )
    sip_realm: Maybe[str | None] = strawberry.field(default=None, description="A new SIP realm; null clears it.")
    usage_limit: Maybe[UsageLimitInput | None] = fields.guarded("Its usage limit.", permissions=[IsAdmin])
    licensed_sessions: Maybe[int | None] = fields.guarded(
        "The number of sessions bought, 0 or more.", permissions=[IsAdmin]
    )
    registration_webhook: Maybe[WebhookInput | None] = strawberry.field(
        default=None, description="The webhook called when a SIP device registers; null clears it."
    )
    queue_event_webhook: Maybe[WebhookInput | None] = strawberry.field(
        default=None,
        description="The webhook called by POST when a caller enters or leaves a queue; null clears it.",
    )
    device_calling_application_id: Maybe[strawberry.ID | None] = strawberry.field(
        default=None, description="The account's application for calls of SIP devices; null: none."
    )
    siprec_application_id: Maybe[strawberry.ID | None] = strawberry.field(
        default=None, description="The account's application for SIPREC calls; null: none."
    )
    recording_config: Maybe[AccountRecordingConfigInput | None] = strawberry.field(
        default=None,
        description="Its recording configuration, saved together with the other settings or not at all. The first save "
        "creates it. Null is rejected: use removeRecordingConfig to remove it.",
    )
    if_version: int | None = strawberry.field(
        default=None, description="Fails with CONFLICT unless this is the current version."
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


@strawberry.input(description="The account to move to another service provider.")
class MoveAccountInput:
    id: strawberry.ID = strawberry.field(description="The account.")
    service_provider_id: strawberry.ID = strawberry.field(
        description="The new service provider. Naming the current one changes nothing."
    )
    if_version: int | None = strawberry.field(
        default=None, description="Fails with CONFLICT unless this is the account's current version."
    )


@fields.payload()
class MoveAccountPayload(fields.Payload):
    account: Account | None = strawberry.field(default=None, description="The account as it is now.")
    owner_removed: bool | None = strawberry.field(
        default=None,
        description="True: the move removed the account's owner, a user of the former service provider.",
    )


@strawberry.input(description="The account, and the user who becomes its owner.")
class TransferAccountOwnershipInput:
    id: strawberry.ID = strawberry.field(description="The account.")
    owner_id: strawberry.ID = strawberry.field(
        description="The new owner: an active user of the account itself, of its service provider or of the installation. "
        "Naming the current one changes nothing."
    )
    if_version: int | None = strawberry.field(
        default=None, description="Fails with CONFLICT unless this is the account's current version."
    )


@fields.payload()
class TransferAccountOwnershipPayload(fields.Payload):
    account: Account | None = strawberry.field(default=None, description="The account as it is now.")


@strawberry.input(description="The account to suspend or resume.")
class SetAccountActiveInput:
    id: strawberry.ID = strawberry.field(description="The account.")
    active: bool = strawberry.field(description="False: all its keys and sessions are rejected within 5 seconds.")
    if_version: int | None = strawberry.field(
        default=None, description="Fails with CONFLICT unless this is the current version."
    )


@fields.payload()
class SetAccountActivePayload(fields.Payload):
    account: Account | None = strawberry.field(default=None, description="The account as it is now.")


@strawberry.input(description="The account whose webhook secret to replace.")
class RotateWebhookSecretInput:
    id: strawberry.ID = strawberry.field(description="The account.")
    overlap_hours: int = strawberry.field(
        default=24,
        description="For how many hours the old secret also signs, 0 to "
        f"{MAXIMUM_OVERLAP_HOURS}. With 0 it stops immediately.",
    )
    if_version: int | None = strawberry.field(
        default=None, description="Fails with CONFLICT unless this is the account's current version."
    )


@fields.payload()
class RotateWebhookSecretPayload(fields.Payload):
    account: Account | None = strawberry.field(default=None, description="The account with its new secret.")


@strawberry.enum(description="What can block the deletion of an account.")
class DeletionBlockerKind(enum.Enum):
    API_KEYS = strawberry.enum_value(
        "API_KEYS", description="API keys of the account, including revoked and expired ones."
    )
    APPLICATIONS = strawberry.enum_value("APPLICATIONS", description="Applications of the account.")
    USERS = strawberry.enum_value("USERS", description="Users of the account, including deactivated ones.")
    CALLS = strawberry.enum_value(
        "CALLS",
        description="Calls of the account. Their recordings stay in the bucket, but can no longer be found here.",
    )


@strawberry.type(description="A kind of object that blocks the deletion of an account.")
class DeletionBlocker:
    kind: DeletionBlockerKind = strawberry.field(description="The kind of object.")
    count: int = strawberry.field(
        description=f"The number of objects. For calls, the count stops at {MAXIMUM_CALLS_COUNTED:,}."
    )


@strawberry.type(description="Objects of one kind that an account contains.")
class AccountContent:
    kind: AccountContentKind = strawberry.field(description="The kind of object.")
    count: int = strawberry.field(
        description=f"The number of objects. For calls, the count stops at {MAXIMUM_CALLS_COUNTED:,}."
    )


@strawberry.input(description="The account to delete.")
class DeleteAccountInput:
    id: strawberry.ID = strawberry.field(description="The account.")
    dry_run: bool = strawberry.field(
        default=False, description="True: return the contents and what blocks the deletion, and delete nothing."
    )
    force: bool = strawberry.field(default=False, description="True: also delete what blocks the deletion.")
    if_version: int | None = strawberry.field(
        default=None, description="Fails with CONFLICT unless this is the current version."
    )


@fields.payload(
    "Recordings in the customer's bucket are never deleted.",
    errors="Why nothing was deleted; empty after a deletion or a dry run.",
)
class DeleteAccountPayload(fields.Payload):
    deleted_id: strawberry.ID | None = strawberry.field(
        default=None, description="Id of the deleted object; null if nothing was deleted, as after a dry run."
    )
    blockers: list[DeletionBlocker] = strawberry.field(
        default_factory=list, description="What blocks the deletion, or blocked it before `force`."
    )
    contents: list[AccountContent] = strawberry.field(
        default_factory=list,
        description="Everything that was or would be deleted with the account, including the blockers.",
    )
    recordings_stay_in: str | None = strawberry.field(
        default=None,
        description="The bucket of the recording configuration, where recordings stay; null without a configuration.",
    )


_DISCLOSURES = (
    "Each reply that reveals a name or SIP realm of an account not visible to the caller is audited and rate-limited, together "
    "with those of `createUser`."
)


@strawberry.type
class AccountMutations:
    @fields.mutation(
        f"Creates an account. A person who creates it becomes its owner. {_DISCLOSURES}",
        permissions=[IsServiceProvider, MayCreateAccounts],
    )
    async def create_account(
        self, info: Info, input: Annotated[CreateAccountInput, strawberry.argument(description="The new account.")]
    ) -> CreateAccountPayload:
        account = await service.create(info.context, input.account(), input.idempotency_key)
        return CreateAccountPayload(account=Account.of(account))

    @fields.mutation(
        f"Changes the given settings of an account: all of them or none. {_DISCLOSURES}", permissions=[MayEditSettings]
    )
    async def update_account(
        self, info: Info, input: Annotated[UpdateAccountInput, strawberry.argument(description="The changes.")]
    ) -> UpdateAccountPayload:
        account = await service.update(info.context, input.id, input.patch())
        return UpdateAccountPayload(account=Account.of(account))

    @fields.mutation(
        "Moves an account with all its contents to another service provider. Its valid keys stay valid: those of people of the "
        "former provider keep the permissions that they have now, and no longer depend on these people. NAME_TAKEN if the "
        "provider has an account of that name. An owner who is a user of the former provider loses the ownership.",
        permissions=[IsAdmin, MayEditSettings],
    )
    async def move_account(
        self,
        info: Info,
        input: Annotated[
            MoveAccountInput, strawberry.argument(description="The account and its new service provider.")
        ],
    ) -> MoveAccountPayload:
        account, is_removed = await service.move(info.context, input.id, input.service_provider_id, input.if_version)
        return MoveAccountPayload(account=Account.of(account), owner_removed=is_removed)

    @fields.mutation(
        "Makes another user the owner of an account, who has all permissions of a MANAGER in it, whatever their role. Only for "
        "the owner, and for callers of its service provider or of the installation that have all of these permissions. Effective "
        f"for both users {WHEN_REFUSED}.",
        permissions=[MayManageUsers],
    )
    async def transfer_account_ownership(
        self,
        info: Info,
        input: Annotated[
            TransferAccountOwnershipInput, strawberry.argument(description="The account and its new owner.")
        ],
    ) -> TransferAccountOwnershipPayload:
        account = await service.transfer_ownership(info.context, input.id, input.owner_id, input.if_version)
        return TransferAccountOwnershipPayload(account=Account.of(account))

    @fields.mutation("Suspends or resumes an account.", permissions=[IsServiceProvider, MayEditSettings])
    async def set_account_active(
        self,
        info: Info,
        input: Annotated[SetAccountActiveInput, strawberry.argument(description="The account and its new state.")],
    ) -> SetAccountActivePayload:
        account = await service.set_active(info.context, input.id, input.active, input.if_version)
        return SetAccountActivePayload(account=Account.of(account))

    @fields.mutation(
        "Replaces an account's webhook secret. The old one also signs for `overlapHours`, so that receivers can switch. Earlier "
        "ones stop signing immediately.",
        permissions=[MayEditSettings],
    )
    async def rotate_webhook_secret(
        self,
        info: Info,
        input: Annotated[RotateWebhookSecretInput, strawberry.argument(description="The account and the overlap.")],
    ) -> RotateWebhookSecretPayload:
        account = await webhook_secret.rotate(info.context, input.id, input.if_version, input.overlap_hours)
        return RotateWebhookSecretPayload(account=Account.of(account))

    @fields.mutation(
        "Deletes an account with all its contents. Refused with IN_USE and the list of blockers, unless there are none or "
        "`force` is true.",
        permissions=[IsServiceProvider, MayDeleteAccounts],
    )
    async def delete_account(
        self,
        info: Info,
        input: Annotated[DeleteAccountInput, strawberry.argument(description="The account and the options.")],
    ) -> DeleteAccountPayload:
        deleted, found = await service.delete(
            info.context, input.id, dry_run=input.dry_run, force=input.force, if_version=input.if_version
        )
        blockers = [
            DeletionBlocker(kind=DeletionBlockerKind[kind.name], count=found.counts[kind])
            for kind in AccountContentKind
            if kind in service.DELETION_BLOCKERS and kind in found.counts
        ]
        payload = DeleteAccountPayload(
            deleted_id=strawberry.ID(sid_of(Kind.ACCOUNT, deleted)) if deleted else None,
            blockers=blockers,
            contents=[AccountContent(kind=kind, count=count) for kind, count in found.counts.items()],
            recordings_stay_in=found.bucket,
        )
        if deleted is None and not input.dry_run:
            summary = " and ".join(_in_words(blocker) for blocker in blockers)
            payload.user_errors = [UserError.of(service.AccountRule.ACCOUNT_IN_USE, "id", contents=summary)]
        return payload


_NOUNS = {
    DeletionBlockerKind.API_KEYS: "API key",
    DeletionBlockerKind.APPLICATIONS: "application",
    DeletionBlockerKind.USERS: "user",
    DeletionBlockerKind.CALLS: "call",
}


def _in_words(blocker: DeletionBlocker) -> str:
    or_more = " or more" if blocker.kind is DeletionBlockerKind.CALLS and blocker.count >= MAXIMUM_CALLS_COUNTED else ""
    return f"{blocker.count}{or_more} {_NOUNS[blocker.kind]}(s)"
