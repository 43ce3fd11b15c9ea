"""Mutations on the recording of a call."""

from typing import Annotated

import strawberry

from app.calls.schema import Call
from app.foundation.access import MayDeleteRecordings, MayTestAndCallOut, MayViewCalls
from app.foundation.context import Info
from app.foundation.graphql import fields
from app.recording import deletion, retry


@strawberry.input(description="The call whose recording to delete.")
class DeleteRecordingInput:
    id: strawberry.ID = strawberry.field(description="The call: `CA` and 32 hex digits.")


@fields.payload("The call itself stays.", errors="Why nothing was deleted; empty on success.")
class DeleteRecordingPayload(fields.Payload):
    call: Call | None = strawberry.field(
        default=None, description="The call, with its recording DELETED, also when it was DELETED before."
    )
    kept_versions: bool | None = strawberry.field(
        default=None,
        description="True if the bucket is versioned and keeps older versions of the object, which its lifecycle rules must "
        "remove. Null if there was no object to delete.",
    )


@strawberry.input(description="The call whose recording to retry.")
class RetryRecordingInput:
    id: strawberry.ID = strawberry.field(description="The call: `CA` and 32 hex digits.")


@fields.payload(errors="Why there is no retry; empty on success.")
class RetryRecordingPayload(fields.Payload):
    call: Call | None = strawberry.field(
        default=None,
        description="The call. Its recording is STORING until the next attempt ends, or STORED if the bucket already has it.",
    )


@strawberry.type
class CallRecordingMutations:
    @fields.mutation(
        "Deletes the recording of a call, and its object in the bucket.",
        permissions=[MayViewCalls, MayDeleteRecordings],  # the payload shows the call
    )
    async def delete_recording(
        self, info: Info, input: Annotated[DeleteRecordingInput, strawberry.argument(description="The call.")]
    ) -> DeleteRecordingPayload:
        deleted = await deletion.delete(info.context, input.id)
        return DeleteRecordingPayload(call=Call.of(deleted.call), kept_versions=deleted.kept_versions)

    @fields.mutation(
        "Retries a recording that FAILED, or that waits for its next attempt.",
        permissions=[MayViewCalls, MayTestAndCallOut],
    )
    async def retry_recording(
        self, info: Info, input: Annotated[RetryRecordingInput, strawberry.argument(description="The call.")]
    ) -> RetryRecordingPayload:
        return RetryRecordingPayload(call=Call.of(await retry.retry(info.context, input.id)))
