"""Storage tests: validation first, then the steps of a probe, within ten seconds.

`StorageVerifier.verify` returns a result whatever the storage does; it never raises for errors of the storage or its
settings.
"""

import asyncio
import enum
import json
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import strawberry

from app.foundation.concurrency_limits import FairSlots
from app.foundation.encryption import Keyring
from app.foundation.errors import RateLimited
from app.foundation.outbound.guard import OutboundGate
from app.foundation.user_errors import UserError, UserErrorArgument, declared_rules
from app.storage import rules
from app.storage.failures import StorageFailure
from app.storage.faults import STEP_CODES, Diagnosis, ProbeFault, diagnose
from app.storage.model import BucketVendor
from app.storage.probe import Probe, StepResult, VerificationStepName, VerificationStepStatus
from app.storage.rules import StorageDraft
from app.storage.s3 import ObjectStorage, StorageTarget

__all__ = [
    "StepResult",
    "StorageVerdict",
    "StorageVerifier",
    "VerificationResult",
    "VerificationStepName",
    "VerificationStepStatus",
    "fingerprint",
]


@strawberry.enum(description="Whether recordings can be stored.")
class StorageVerdict(enum.Enum):
    WORKING = strawberry.enum_value("WORKING", description="Recordings can be stored.")
    FAILING = strawberry.enum_value("FAILING", description="Recordings cannot be stored; the failed steps say why.")


@dataclass(frozen=True)
class VerificationResult:
    """The result of a storage test. It holds no secret; `responses.py` has cleaned the server's texts."""

    verdict: StorageVerdict
    can_play: bool
    can_erase: bool
    steps: list[StepResult]
    """All eight, in order."""
    fingerprint: str
    verified_at: datetime
    duration_ms: int
    waited_ms: int
    """How long the test waited for a slot; not part of `duration_ms`."""
    leftover_key: str | None = None
    """The object that the test has left, or may have left, in the bucket."""
    warnings: list[str] = field(default_factory=list)
    settings_errors: list[UserError] = field(default_factory=list)
    """Errors of the settings by input field; empty unless the step SETTINGS failed."""

    def to_json(self) -> dict[str, Any]:
        """For the database: JSON types only."""
        stored = asdict(self)
        stored["verdict"] = self.verdict.value
        stored["verified_at"] = self.verified_at.isoformat()
        for error in stored["settings_errors"]:
            error["code"], error["rule"] = error["code"].name, error["rule"].name
        for step in stored["steps"]:
            step["step"], step["status"] = step["step"].value, step["status"].value
            step["code"] = step["code"].name if step["code"] else None
        return stored

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "VerificationResult":
        """Reads the output of `to_json`."""
        steps = [
            StepResult(
                **{
                    **step,
                    "step": VerificationStepName(step["step"]),
                    "status": VerificationStepStatus(step["status"]),
                    "code": STEP_CODES[step["code"]] if step["code"] else None,
                }
            )
            for step in stored["steps"]
        ]
        verdict, verified_at = StorageVerdict(stored["verdict"]), datetime.fromisoformat(stored["verified_at"])
        errors = [_error_from_json(error) for error in stored["settings_errors"]]
        read = {"steps": steps, "verdict": verdict, "verified_at": verified_at, "settings_errors": errors}
        return cls(**{**stored, **read})


def _error_from_json(stored: dict[str, Any]) -> UserError:
    arguments = [UserErrorArgument(**argument) for argument in stored["arguments"]]
    rule = declared_rules()[stored["rule"]]
    return UserError(**{**stored, "rule": rule, "code": rule.code, "arguments": arguments})


def fingerprint(keyring: Keyring, draft: StorageDraft) -> str:
    """A keyed hash of the tested settings, the secret included: 32 hex digits.

    Equal settings have equal fingerprints. The order of tags does not matter, as in S3.
    """
    values = (draft.vendor and draft.vendor.value, draft.endpoint_url, draft.bucket, draft.region)
    tags = sorted((tag.name, tag.value) for tag in draft.tags)
    # ASCII escapes work for any text, even with a lone surrogate.
    canonical = json.dumps([*values, draft.access_key_id, draft.secret_access_key, tags], ensure_ascii=True)
    return keyring.keyed_hash("storage-fingerprint", canonical.encode()).hex()[:32]


class StorageVerifier:
    """Runs at most `at_once` storage tests at the same time in this process."""

    def __init__(
        self,
        storage: ObjectStorage,
        gate: OutboundGate,
        keyring: Keyring,
        at_once: int,
        wait_seconds: float = 5,
        *,
        step_seconds: float = 8,
        cleanup_seconds: float = 2,
    ) -> None:
        """A test ends within `step_seconds` + `cleanup_seconds`. At most four times `at_once` tests wait."""
        self._storage = storage
        self._gate = gate
        self._keyring = keyring
        self._at_once = at_once
        self._test_slots = asyncio.Semaphore(at_once)
        self._waiting = 0
        self._wait_seconds = wait_seconds
        self._step_seconds = step_seconds
        # Leave time for closing connections and returning the result.
        self._cleanup_seconds = cleanup_seconds * 0.9
        self._running: set[asyncio.Task[VerificationResult]] = set()
        self._slots = FairSlots(at_once)

    async def verify(
        self, draft: StorageDraft, account_id: UUID | None = None, service_provider_id: UUID | None = None
    ) -> VerificationResult:
        """Tests the settings. If they are invalid, makes no request and reports them in the step SETTINGS.

        Cleans up the probe even if the caller is cancelled. Raises RateLimited when no slot is free in time, or when
        the account or its service provider has its maximum number of tests running and waiting.
        """
        started = time.monotonic()
        errors = self._settings_errors(draft)
        if errors:
            found = Diagnosis(ProbeFault.SETTINGS_INVALID, " ".join(dict.fromkeys(error.message for error in errors)))
            step = _settings_step(started, VerificationStepStatus.FAILED, found)
            return self._result(draft, {step.step: step}, started, settings_errors=errors)
        settings = _settings_step(started, VerificationStepStatus.PASSED)
        # Tenants whose endpoints hang must not occupy the slots of others.
        with self._slots.tenant_slot(account_id, service_provider_id, "storage tests"):
            waited_ms = await self._wait_for_slot()
            task = asyncio.create_task(self._run(draft, settings, waited_ms))
            self._running.add(task)
            task.add_done_callback(self._on_done)
            return await self._wait(task)

    async def _wait(self, task: "asyncio.Task[VerificationResult]") -> VerificationResult:
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.cancel()
            # The task continues to clean up even if this wait is cancelled as well.
            await asyncio.wait({task}, timeout=self._cleanup_seconds)
            raise

    async def close(self) -> None:
        """Cancels the running tests and lets them clean up, at the end of the process."""
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(set(self._running), timeout=self._cleanup_seconds + 0.5)

    def _settings_errors(self, draft: StorageDraft) -> list[UserError]:
        found = [*rules.missing(draft), *rules.errors(draft)]
        if not found and draft.vendor is BucketVendor.S3_COMPATIBLE and draft.endpoint_url:
            refusal = self._gate.judge_text(draft.endpoint_url)
            if refusal:
                found.append(UserError.of(refusal.rule, "endpointUrl", **refusal.arguments))
        return found

    async def _wait_for_slot(self) -> int:
        """Loads the SDK and waits for a slot, at most `wait_seconds`; returns the milliseconds it took."""
        started = time.monotonic()
        if self._waiting >= 4 * self._at_once:
            raise RateLimited("Too many storage tests are waiting already. Try again in a few seconds.")
        self._waiting += 1
        try:
            # The first call loads the SDK. This counts as waiting, not as part of a step.
            await self._storage.open()
            async with asyncio.timeout(self._wait_seconds):
                await self._test_slots.acquire()
        except TimeoutError:
            raise RateLimited(
                f"The maximum of {self._at_once} storage tests are running, and none ended within "
                f"{self._wait_seconds:g} seconds. Try again in a few seconds."
            ) from None
        finally:
            self._waiting -= 1
        return _milliseconds(time.monotonic() - started)

    def _on_done(self, task: asyncio.Task[VerificationResult]) -> None:
        self._running.discard(task)
        self._test_slots.release()
        if not task.cancelled():
            task.exception()  # the caller has the exception already, or has left

    async def _run(self, draft: StorageDraft, settings: StepResult, waited_ms: int) -> VerificationResult:
        target = StorageTarget.of(draft)
        started = time.monotonic()
        steps = {settings.step: settings}
        try:
            async with self._storage.new_client(target) as bucket:
                probe = Probe(bucket, target)
                try:
                    async with asyncio.timeout(self._step_seconds):
                        await probe.run()
                except TimeoutError:
                    probe.end_by_timeout(self._step_seconds)
                finally:
                    await probe.clean_up(self._cleanup_seconds)
        except StorageFailure as failure:
            reach = VerificationStepName.REACH
            found = diagnose(failure)
            steps[reach] = StepResult(reach, VerificationStepStatus.FAILED, code=found.code, advice=found.advice)
            return self._result(draft, steps, started, waited_ms=waited_ms)
        steps.update(probe.results)
        return self._result(
            draft, steps, started, waited_ms=waited_ms, leftover_key=probe.leftover_key, warnings=probe.warnings
        )

    def _result(
        self,
        draft: StorageDraft,
        steps: dict[VerificationStepName, StepResult],
        started: float,
        *,
        waited_ms: int = 0,
        leftover_key: str | None = None,
        warnings: Iterable[str] = (),
        settings_errors: Iterable[UserError] = (),
    ) -> VerificationResult:
        filled = [steps.get(name) or _not_tried(name) for name in VerificationStepName]
        passed = {step.step for step in filled if step.status is VerificationStepStatus.PASSED}
        failed = {step.step for step in filled if step.status is VerificationStepStatus.FAILED}
        works = passed >= _REQUIRED_STEPS and VerificationStepName.REGION not in failed
        return VerificationResult(
            verdict=StorageVerdict.WORKING if works else StorageVerdict.FAILING,
            can_play=VerificationStepName.READ in passed,
            can_erase=VerificationStepName.DELETE in passed,
            steps=filled,
            fingerprint=fingerprint(self._keyring, draft),
            verified_at=datetime.now(UTC),
            duration_ms=_milliseconds(time.monotonic() - started),
            waited_ms=waited_ms,
            leftover_key=leftover_key,
            warnings=[*rules.warnings(draft), *warnings],
            settings_errors=list(settings_errors),
        )


_REQUIRED_STEPS = {
    VerificationStepName.SETTINGS,
    VerificationStepName.REACH,
    VerificationStepName.WRITE,
    VerificationStepName.MULTIPART,
}


def _settings_step(started: float, status: VerificationStepStatus, found: Diagnosis | None = None) -> StepResult:
    duration_ms = _milliseconds(time.monotonic() - started)
    code, advice = (found.code, found.advice) if found else (None, None)
    return StepResult(VerificationStepName.SETTINGS, status, duration_ms, code=code, advice=advice)


def _not_tried(name: VerificationStepName) -> StepResult:
    found = Diagnosis.of(ProbeFault.NOT_TRIED)
    return StepResult(name, VerificationStepStatus.SKIPPED, code=found.code, advice=found.advice)


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
