"""Storage tests ask a verifier directly; the servers come from `tests/servers/fixtures.py`."""

from collections.abc import AsyncIterator, Callable

import pytest

from app.encryption import Keyring
from app.outbound import OutboundGate
from app.recording.probe import StepResult
from app.recording.storage import ObjectStorage
from app.recording.verification import StorageVerifier, VerificationResult, VerificationStepName
from tests.servers.fixtures import iam_s3, local_s3
from tests.servers.scripted_s3 import ScriptedS3

__all__ = ["iam_s3", "local_s3"]


@pytest.fixture(scope="session")
def keyring() -> Keyring:
    return Keyring({"k1": b"e" * 32}, b"h" * 32)


@pytest.fixture
async def make_verifier(keyring: Keyring) -> AsyncIterator[Callable[..., StorageVerifier]]:
    """Makes verifiers that may call the loopback; `read_seconds` and the verifier's limits can be set."""
    opened: list[tuple[StorageVerifier, ObjectStorage]] = []

    async def make(
        *, allowed: tuple[str, ...] = ("127.0.0.1",), at_once: int = 8, read_seconds: float = 5, **limits: float
    ) -> StorageVerifier:
        gate = OutboundGate(allowed)
        storage = ObjectStorage(gate, read_seconds=read_seconds)
        await storage.open()
        verifier = StorageVerifier(storage, gate, keyring, at_once, **limits)
        opened.append((verifier, storage))
        return verifier

    yield make
    for verifier, storage in opened:
        await verifier.close()
        await storage.close()


@pytest.fixture
async def verifier(make_verifier: Callable[..., StorageVerifier]) -> StorageVerifier:
    return await make_verifier()


@pytest.fixture
async def scripted_s3() -> AsyncIterator[ScriptedS3]:
    async with ScriptedS3() as server:
        yield server


def step(result: VerificationResult, name: str) -> StepResult:
    """One step of a result, by its name."""
    return result.steps[list(VerificationStepName).index(VerificationStepName(name))]


def statuses(result: VerificationResult) -> str:
    """The eight steps as letters, in order: P passed, F failed, S skipped."""
    return "".join(found.status.value[0] for found in result.steps)
