"""What can be done with the recording of a call."""

from typing import Annotated

import strawberry

from app import graph
from app.calls import deleting
from app.calls.schema import Call
from app.context import Info
from app.errors import UserError
from app.recording import retrying


@strawberry.input(description="A call whose recording is deleted.")
class DeleteRecordingInput:
    """Input of deleteRecording."""

    call_id: strawberry.ID = strawberry.field(description="The call: `CA` and 32 hex digits.")


@strawberry.type(description="What deleteRecording answers. The call itself stays.")
class DeleteRecordingPayload:
    """Payload of deleteRecording."""

    call: Call | None = strawberry.field(
        default=None, description="The call, with its recording DELETED; also when it was before."
    )
    kept_versions: bool | None = strawberry.field(
        default=None,
        description="True: the bucket is versioned and keeps older versions of the object, which its lifecycle rules must "
        "remove. Null when no object had to be deleted.",
    )
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why nothing was deleted; empty when it was done."
    )


@strawberry.input(description="A call whose recording is to be stored after all.")
class RetryRecordingInput:
    """Input of retryRecording."""

    call_id: strawberry.ID = strawberry.field(description="The call: `CA` and 32 hex digits.")


@strawberry.type(description="What retryRecording answers.")
class RetryRecordingPayload:
    """Payload of retryRecording."""

    call: Call | None = strawberry.field(
        default=None,
        description="The call, with its recording STORING; what comes of it, it tells later.",
    )
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why nothing is tried; empty when it is."
    )


@strawberry.type
class CallRecordingMutations:
    """Root fields."""

    @graph.mutation("Deletes the recording of a call: its object in the bucket, and nothing else there.")
    async def delete_recording(
        self, info: Info, input: Annotated[DeleteRecordingInput, strawberry.argument(description="Which call.")]
    ) -> DeleteRecordingPayload:
        deleted = await deleting.delete(info.context, input.call_id)
        return DeleteRecordingPayload(call=graph.shown(deleted.call), kept_versions=deleted.kept_versions)

    @graph.mutation("Tries again to store a recording that FAILED, or that waits for its next try.")
    async def retry_recording(
        self, info: Info, input: Annotated[RetryRecordingInput, strawberry.argument(description="Which call.")]
    ) -> RetryRecordingPayload:
        return RetryRecordingPayload(call=graph.shown(await retrying.retry(info.context, input.call_id)))
