"""The steps of a storage test: their calls, what each proves, and the clean-up.

    reach ── region ── write ──┬── tags ──────┬── delete
                               ├── read ──────┤
                               └── multipart ─┘

Writes use `uploads.py`, like recordings: the same requests with the same headers.

HEAD responses have no body, so `reach` cannot distinguish a wrong key from a missing permission. Only a missing bucket (404)
is conclusive there; the PUT in `write` diagnoses everything else.
"""

import asyncio
import contextlib
import enum
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import strawberry

from app.foundation.fault_codes import FaultCode
from app.storage import uploads
from app.storage.failures import StorageFailure
from app.storage.faults import Diagnosis, ProbeFault, StorageFault, denial, diagnose, wrong_region
from app.storage.model import CONTENT_TYPES, AudioFormat, BucketVendor
from app.storage.responses import S3Response, bucket_region, request_id
from app.storage.s3 import Bucket, StorageTarget
from app.storage.uploads import NewObject, Part

PROBE_FOLDER = ".voice-gateway-probe/"


@strawberry.enum(description="The steps of a storage test, in order.")
class VerificationStepName(enum.Enum):
    SETTINGS = strawberry.enum_value("SETTINGS", description="The settings are complete and valid.")
    REACH = strawberry.enum_value("REACH", description="The server responds and does not report the bucket as missing.")
    REGION = strawberry.enum_value(
        "REGION", description="The bucket is in the configured region, as far as the server reports it."
    )
    WRITE = strawberry.enum_value("WRITE", description="An object can be written with its tags.")
    TAGS = strawberry.enum_value("TAGS", description="The tags of the object can be read back unchanged.")
    READ = strawberry.enum_value("READ", description="The object can be read back, so recordings can be played.")
    MULTIPART = strawberry.enum_value(
        "MULTIPART", description="A multipart upload, as for long recordings, can be written and aborted."
    )
    DELETE = strawberry.enum_value("DELETE", description="The object can be deleted, so recordings can be deleted.")


@strawberry.enum(description="The result of a step of a storage test.")
class VerificationStepStatus(enum.Enum):
    PASSED = strawberry.enum_value("PASSED", description="The step succeeded.")
    FAILED = strawberry.enum_value("FAILED", description="The step failed; `advice` says what to fix.")
    SKIPPED = strawberry.enum_value(
        "SKIPPED", description="The step was not tried or is inconclusive; `advice` says why."
    )


@dataclass(frozen=True)
class StepResult:
    """One step. `code` and `advice` say what to fix if it failed, or why it was skipped."""

    step: VerificationStepName
    status: VerificationStepStatus
    duration_ms: int = 0
    s3_code: str | None = None
    http_status: int | None = None
    request_id: str | None = None
    code: FaultCode | None = None
    advice: str | None = None


class StepFailed(Exception):
    """A step failed, with a specific diagnosis."""

    def __init__(self, diagnosis: Diagnosis, failure: StorageFailure | None = None) -> None:
        self.diagnosis = diagnosis
        self.failure = failure
        super().__init__(diagnosis.advice)


class StepSkipped(StepFailed):
    """A step cannot run, which is no failure."""


Name = VerificationStepName
Status = VerificationStepStatus


class Probe:
    """One run of the steps from `reach` on. `run` fills `results`; `clean_up` must follow in any case."""

    def __init__(self, bucket: Bucket, target: StorageTarget) -> None:
        self._bucket = bucket
        self._target = target
        mark = secrets.token_hex(12)
        self.key = f"{PROBE_FOLDER}{mark}.txt"
        self._content = f"Storage test, safe to delete. {mark}\n".encode()
        content_type = CONTENT_TYPES[AudioFormat.MP3]
        self._whole = NewObject(self._content, self.key, content_type, target.tags)
        self._in_parts = replace(self._whole, key=f"{PROBE_FOLDER}{mark}.parts")
        self._step_started: dict[Name, float] = {}
        self._region: str | None = None
        # False once HEAD was refused: a refused PUT may then mean that the bucket does not exist.
        self._is_bucket_seen = True
        self._may_be_stored = False
        self._is_leftover_certain = True
        self._may_delete = True
        self._versions: list[str] = []
        self._upload: str | None = None
        self._may_be_uploading = False
        self.results: dict[Name, StepResult] = {}
        self.warnings: list[str] = []
        self.leftover_key: str | None = None

    async def run(self) -> None:
        """Runs the steps until one fails that later steps depend on. Can be cancelled at any time."""
        for name, action in ((Name.REACH, self._reach), (Name.REGION, self._compare_region), (Name.WRITE, self._write)):
            if await self._step(name, action) is Status.FAILED:
                return
        async with asyncio.TaskGroup() as together:
            together.create_task(self._step(Name.TAGS, self._read_tags))
            together.create_task(self._step(Name.READ, self._read))
            together.create_task(self._step(Name.MULTIPART, self._multipart))
        await self._step(Name.DELETE, self._delete)

    def end_by_timeout(self, seconds: float) -> None:
        """Marks steps that were running at the timeout as failed."""
        for name, started in self._step_started.items():
            if name not in self.results:
                found = Diagnosis.of(ProbeFault.STEP_TIMED_OUT, seconds=f"{seconds:g}")
                self._set_result(name, Status.FAILED, _milliseconds_since(started), diagnosis=found)

    async def _step(self, name: Name, action: Callable[[], Awaitable[S3Response | None]]) -> Status:
        self._step_started[name] = started = time.monotonic()
        status, found, failure, answer = Status.PASSED, None, None, None
        try:
            answer = await action()
        except StepSkipped as skipped:
            status, found, failure = Status.SKIPPED, skipped.diagnosis, skipped.failure
        except StepFailed as failed:
            status, found, failure = Status.FAILED, failed.diagnosis, failed.failure
        except StorageFailure as failed:
            status, found, failure = Status.FAILED, self._diagnose(failed), failed
        self._set_result(name, status, _milliseconds_since(started), failure=failure, answer=answer, diagnosis=found)
        return status

    def _set_result(
        self,
        name: Name,
        status: Status,
        duration_ms: int,
        *,
        failure: StorageFailure | None = None,
        answer: S3Response | None = None,
        diagnosis: Diagnosis | None = None,
    ) -> None:
        http_status = answer["ResponseMetadata"].get("HTTPStatusCode") if answer else None
        self.results[name] = StepResult(
            step=name,
            status=status,
            duration_ms=duration_ms,
            s3_code=failure.code if failure else None,
            http_status=failure.http_status if failure else http_status,
            request_id=failure.request_id if failure else request_id(answer) if answer else None,
            code=diagnosis.code if diagnosis else None,
            advice=diagnosis.advice if diagnosis else None,
        )

    def _diagnose(self, failure: StorageFailure) -> Diagnosis:
        return diagnose(failure, self._target.region)

    async def _reach(self) -> S3Response:
        try:
            answer = await self._bucket.call("head_bucket")
        except StorageFailure as failure:
            if failure.http_status == 404:
                raise StepFailed(_NO_BUCKET, failure) from None
            if failure.kind is not None:
                raise
            self._region = failure.region
            self._is_bucket_seen = False
            # A response, so the server was reached; `write` finds out why it is not 200.
            return {"ResponseMetadata": {"HTTPStatusCode": failure.http_status, "RequestId": failure.request_id}}
        self._region = bucket_region(answer)
        return answer

    async def _compare_region(self) -> None:
        if self._region is None:
            raise StepSkipped(Diagnosis.of(ProbeFault.REGION_NOT_STATED))
        if not self._is_other_region:
            return
        if self._target.vendor is BucketVendor.AWS_S3:
            raise StepFailed(wrong_region(self._target.region, self._region))
        # Other servers may name any region and accept requests for all: `write` decides.
        raise StepSkipped(self._names_another_region())

    @property
    def _is_other_region(self) -> bool:
        return self._region not in {None, self._target.region}

    def _names_another_region(self) -> Diagnosis:
        regions = {"actual": self._region or "", "configured": self._target.region}
        return Diagnosis.of(ProbeFault.OTHER_REGION_STATED, **regions)

    async def _write(self) -> S3Response:
        try:
            answer = await self._put(self._whole)
        except StorageFailure as failure:
            raise await self._explain_write_failure(failure) from None
        found = await uploads.object_size(self._bucket, self.key)
        if self._is_other_region:
            self.warnings.append(self._names_another_region().advice)
        if found not in {None, len(self._content)}:
            sizes = f"It confirmed {len(self._content)} bytes and holds {found}."
            raise StepFailed(Diagnosis.of(StorageFault.DATA_LOST, sizes))
        return answer

    async def _put(self, what: NewObject) -> S3Response:
        """Stores the probe. A PUT without a response may have stored it."""
        self._may_be_stored = self._is_leftover_certain = True
        try:
            answer = await uploads.put(self._bucket, what, len(self._content))
        except StorageFailure as failure:
            self._may_be_stored = not failure.is_definite_refusal
            # After a server error most likely nothing is stored: try to delete, but do not report a leftover.
            self._is_leftover_certain = failure.kind is not None
            raise
        if answer.get("VersionId") not in {None, "null"}:
            self._versions.append(answer["VersionId"])
            self.warnings.append(_KEEPS_VERSIONS)
        return answer

    async def _explain_write_failure(self, failure: StorageFailure) -> StepFailed:
        found = self._diagnose(failure)
        if self._is_other_region:
            self._override_result(Name.REGION, failure, wrong_region(self._target.region, self._region))
        if found.code in {StorageFault.WRONG_REGION, StorageFault.REGION_REFUSED}:
            self._override_result(Name.REGION, failure, found)
        elif found.code is StorageFault.BUCKET_NOT_FOUND:
            self._override_result(Name.REACH, failure, found)
        elif self._target.tags and failure.code in {"InvalidTag", "BadRequest", "NotImplemented"}:
            found = Diagnosis.of(StorageFault.TAGS_REFUSED)
        elif failure.is_denied and denial(failure) is None:
            found = await self._find_missing_permission() if self._target.tags else self._may_not_write()
        return StepFailed(found, failure)

    async def _find_missing_permission(self) -> Diagnosis:
        """After a denied PUT with tags, a second one without tags shows whether the tags were the reason."""
        try:
            await self._put(replace(self._whole, tags=()))
        except StorageFailure:
            return self._may_not_write()
        return Diagnosis.of(ProbeFault.TAGGING_DENIED)

    def _may_not_write(self) -> Diagnosis:
        return Diagnosis.of(ProbeFault.WRITE_DENIED, "" if self._is_bucket_seen else _OR_NO_BUCKET)

    def _override_result(self, name: Name, failure: StorageFailure, found: Diagnosis) -> None:
        """Corrects the result of HEAD by what PUT has shown."""
        self._set_result(name, Status.FAILED, self.results[name].duration_ms, failure=failure, diagnosis=found)

    async def _read_tags(self) -> S3Response:
        if not self._target.tags:
            raise StepSkipped(Diagnosis.of(ProbeFault.NO_TAGS))
        try:
            answer = await self._bucket.call("get_object_tagging", Key=self.key)
        except StorageFailure as failure:
            if failure.is_denied:
                raise StepSkipped(_denied(failure, ProbeFault.TAG_READ_DENIED), failure) from None
            raise
        found = {tag.get("Key"): tag.get("Value") for tag in answer.get("TagSet", [])}
        if found != {tag.name: tag.value for tag in self._target.tags}:
            raise StepFailed(Diagnosis.of(ProbeFault.TAGS_IGNORED))
        return answer

    async def _read(self) -> S3Response:
        try:
            content, answer = await self._bucket.read(self.key, len(self._content) + 1)
        except StorageFailure as failure:
            if failure.is_denied:
                raise StepFailed(_denied(failure, ProbeFault.READ_DENIED), failure) from None
            if failure.http_status == 404:
                found = Diagnosis.of(StorageFault.DATA_LOST)
                self._override_result(Name.WRITE, failure, found)
                raise StepFailed(found, failure) from None
            raise
        if content != self._content:
            raise StepFailed(Diagnosis.of(ProbeFault.CONTENT_DIFFERS))
        return answer

    async def _multipart(self) -> S3Response | None:
        self._may_be_uploading = True
        try:
            self._upload = await uploads.begin(self._bucket, self._in_parts)
        except StorageFailure as failure:
            self._may_be_uploading = not failure.is_definite_refusal
            if failure.is_denied:
                actions = "s3:PutObject and s3:PutObjectTagging" if self._target.tags else "s3:PutObject"
                raise StepFailed(_denied(failure, ProbeFault.MULTIPART_DENIED, actions=actions), failure) from None
            raise
        try:
            await uploads.send_part(self._bucket, self._in_parts, self._upload, Part(1, 0, len(self._content)))
        except StorageFailure as failure:
            if failure.is_denied:
                found = _denied(failure, ProbeFault.MULTIPART_DENIED, actions="s3:PutObject")
                raise StepFailed(found, failure) from None
            raise
        try:
            return await self._abort(self._upload)
        except StorageFailure as failure:
            if failure.is_denied:
                raise StepFailed(_denied(failure, ProbeFault.ABORT_DENIED), failure) from None
            raise

    async def _abort(self, upload: str) -> S3Response | None:
        answer = await uploads.abort(self._bucket, self._in_parts.key, upload)
        self._may_be_uploading = False
        return answer

    async def _delete(self) -> S3Response:
        try:
            answer = await self._bucket.call("delete_object", Key=self.key)
        except StorageFailure as failure:
            if failure.is_denied:
                self._may_delete = False
                found = _denied(failure, ProbeFault.DELETE_DENIED)
                found = replace(found, advice=f"{found.advice} Delete {self.key} manually.")
                raise StepFailed(found, failure) from None
            raise
        self._may_be_stored = False
        if answer.get("DeleteMarker") and answer.get("VersionId"):
            self._versions.append(answer["VersionId"])
        return answer

    async def clean_up(self, seconds: float) -> None:
        """Removes what the steps may have left, as far as the bucket allows and time permits."""
        with contextlib.suppress(TimeoutError):  # what remains is reported below
            async with asyncio.timeout(seconds), asyncio.TaskGroup() as together:
                together.create_task(self._remove_probe())
                together.create_task(self._remove_upload())
        if self._may_be_stored and self._is_leftover_certain:
            self.leftover_key = self.key
        if self._may_be_uploading:
            self.warnings.append(f"A multipart upload of {self._in_parts.key} may remain open: abort it manually.")

    async def _remove_probe(self) -> None:
        try:
            if self._may_be_stored and self._may_delete:
                await self._delete()
            for version in self._versions:
                await self._bucket.call("delete_object", Key=self.key, VersionId=version)
        except (StorageFailure, StepFailed):
            if self._versions:
                self.warnings.append(f"Old versions of {self.key} remain: the key may not delete them.")

    async def _remove_upload(self) -> None:
        if not self._may_be_uploading:
            return
        try:
            if self._upload is not None:
                await self._abort(self._upload)
                return
            # The response with the upload's id was lost: list the uploads.
            found = await uploads.open_uploads(self._bucket, self._in_parts.key)
            self._may_be_uploading = bool(found)
            for upload in found:
                await self._abort(upload)
        except StorageFailure:
            return  # `clean_up` reports what remains


def _milliseconds_since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)


def _denied(failure: StorageFailure, code: FaultCode, **values: str) -> Diagnosis:
    """A missing permission (`code`), unless the server gives another reason."""
    return denial(failure) or Diagnosis.of(code, **values)


_NO_BUCKET = Diagnosis.of(StorageFault.BUCKET_NOT_FOUND)
_OR_NO_BUCKET = "Or there is no bucket with this name: the key may not list it, so check the spelling as well."
_KEEPS_VERSIONS = (
    "The bucket is versioned: deleted objects stay stored and billed until a lifecycle rule of the bucket "
    "removes old versions."
)
