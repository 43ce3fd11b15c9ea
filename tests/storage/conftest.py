"""Fixtures of storage tests: verifiers, and a scripted S3 server."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from app.foundation.encryption import Keyring
from app.foundation.outbound.guard import OutboundGate
from app.storage.probe import StepResult
from app.storage.s3 import ObjectStorage
from app.storage.verification import StorageVerifier, VerificationResult, VerificationStepName
from tests.recording.upload_setup import UploadEnvironment, open_environment
from tests.support.installation import Installation
from tests.support.servers.scripted_s3 import ScriptedS3


@pytest.fixture(scope="session")
def keyring() -> Keyring:
    return Keyring({"k1": b"e" * 32}, b"h" * 32)


@pytest.fixture(scope="session")
def storages() -> dict[Any, tuple[OutboundGate, ObjectStorage]]:
    """Open storages by their settings: opening one loads the description of S3, which takes a fifth of a second."""
    return {}


@pytest.fixture
async def storage(storages: dict[Any, tuple[OutboundGate, ObjectStorage]]) -> AsyncIterator[ObjectStorage]:
    """May connect to the loopback; keeps no clients, since each test has its own event loop."""
    if "storing" not in storages:
        gate = OutboundGate(["127.0.0.1"])
        storages["storing"] = gate, ObjectStorage(gate)
        await storages["storing"][1].open()
    found = storages["storing"][1]
    yield found
    await found.close()


@pytest.fixture
async def make_verifier(
    keyring: Keyring, storages: dict[Any, tuple[OutboundGate, ObjectStorage]]
) -> AsyncIterator[Callable[..., Any]]:
    """Creates verifiers that may connect to the loopback; `fresh` ones would read the present environment, if any did."""
    made: list[StorageVerifier] = []

    async def make(
        *,
        allowed: tuple[str, ...] = ("127.0.0.1",),
        at_once: int = 8,
        read_seconds: float = 5,
        fresh: bool = False,
        **limits: float,
    ) -> StorageVerifier:
        settings = object() if fresh else (allowed, read_seconds)
        if settings not in storages:
            gate = OutboundGate(allowed)
            storages[settings] = gate, ObjectStorage(gate, read_seconds=read_seconds)
            await storages[settings][1].open()
        gate, storage = storages[settings]
        verifier = StorageVerifier(storage, gate, keyring, at_once, **limits)
        made.append(verifier)
        return verifier

    yield make
    for verifier in made:
        await verifier.close()


@pytest.fixture
async def verifier(make_verifier: Callable[..., Any]) -> StorageVerifier:
    verifier: StorageVerifier = await make_verifier()
    return verifier


def step(result: VerificationResult, name: str) -> StepResult:
    """One step of a result, by its name."""
    return result.steps[list(VerificationStepName).index(VerificationStepName(name))]


def statuses(result: VerificationResult) -> str:
    """The eight steps as letters, in order: P passed, F failed, S skipped."""
    return "".join(found.status.name[0] for found in result.steps)


@pytest.fixture
async def scripted(
    installation: Installation, tmp_path: Path, storage: ObjectStorage
) -> AsyncIterator[tuple[UploadEnvironment, ScriptedS3]]:
    """Uploads to a server whose responses the test scripts."""
    async with ScriptedS3() as s3, open_environment(installation, tmp_path / "spool", storage) as env:
        await env.configure(s3.endpoint)
        yield env, s3
