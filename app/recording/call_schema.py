"""Mutations on the recording of a call."""

from typing import Annotated

import strawberry

from app.calls.schema import Call
from app.foundation.context import Info
from app.foundation.graphql import fields
from app.recording import deletion, retry


@strawberry.input(description="A call whose recording is deleted.")
class DeleteRecordingInput:
    call_id: strawberry.ID = strawberry.field(description="The call: `CA` and 32 hex digits.")


@fields.payload("The call itself stays.", errors="Why nothing was deleted; empty when it was done.")
class DeleteRecordingPayload(fields.Payload):
    call: Call | None = strawberry.field(
        default=None, description="The call, with its recording DELETED; also when it was before."
    )
    kept_versions: bool | None = strawberry.field(
        default=None,
        description="True: the bucket is versioned and keeps older versions of the object, which its lifecycle rules must "
        "remove. Null when no object had to be deleted.",
    )


@strawberry.input(description="A call whose recording is to be stored after all.")
class RetryRecordingInput:
    call_id: strawberry.ID = strawberry.field(description="The call: `CA` and 32 hex digits.")


@fields.payload(errors="Why nothing is tried; empty when it is.")
class RetryRecordingPayload(fields.Payload):
    call: Call | None = strawberry.field(
        default=None,
        description="The call, with its recording STORING; what comes of it, it tells later.",
    )


@strawberry.type
class CallRecordingMutations:
    @fields.mutation("Deletes the recording of a call: its object in the bucket, and nothing else there.")
    async def delete_recording(
        self, info: Info, input: Annotated[DeleteRecordingInput, strawberry.argument(description="Which call.")]
    ) -> DeleteRecordingPayload:
        deleted = await deletion.delete(info.context, input.call_id)
        return DeleteRecordingPayload(call=Call.of(deleted.call), kept_versions=deleted.kept_versions)

    @fields.mutation("Tries again to store a recording that FAILED, or that waits for its next try.")
    async def retry_recording(
        self, info: Info, input: Annotated[RetryRecordingInput, strawberry.argument(description="Which call.")]
    ) -> RetryRecordingPayload:
        return RetryRecordingPayload(call=Call.of(await retry.retry(info.context, input.call_id)))
