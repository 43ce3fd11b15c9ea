"""The AWS SDK is loaded for the first storage test of a process, and that test does not pay for it."""

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from app import migrating
from app.encryption import Keyring
from app.outbound import OutboundGate
from app.recording import storage as storage_module
from app.recording.model import BucketVendor
from app.recording.rules import StorageDraft
from app.recording.storage import ObjectStorage
from app.recording.verification import StorageVerifier
from app.settings import Settings
from tests.catalogue import empty, make_settings
from tests.recording.conftest import statuses
from tests.servers.scripted_s3 import ScriptedS3

__all__ = ["empty", "make_settings"]

LOADING_SECONDS = 0.3
# A server's start, in a process of its own: in this one, other tests have loaded everything.
START = """
import asyncio, json, sys
from pathlib import Path
from app import __main__, main, settings

async def start():
    app = main.create_app(settings.load(data_dir=Path(sys.argv[1]), log_level="ERROR"))
    async with app.router.lifespan_context(app):
        print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))

asyncio.run(start())
"""


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the threads that have loaded the SDK, which takes long."""
    threads: list[str] = []
    load = storage_module._loaded_sdk

    def slowly() -> Any:
        threads.append(threading.current_thread().name)
        time.sleep(LOADING_SECONDS)
        return load()

    monkeypatch.setattr(storage_module, "_loaded_sdk", slowly)
    return threads


def verifier_of(storage: ObjectStorage, keyring: Keyring, **limits: float) -> StorageVerifier:
    return StorageVerifier(storage, OutboundGate(["127.0.0.1"]), keyring, 8, **limits)


def draft_of(server: ScriptedS3) -> StorageDraft:
    return StorageDraft(BucketVendor.S3_COMPATIBLE, server.endpoint, "calls", "us-east-1", "key", "hunter2")


def test_a_server_that_tests_no_storage_does_not_load_the_sdk(tmp_path: Path, empty: Settings) -> None:
    asyncio.run(migrating.migrate(empty))
    chosen = {name.upper(): getattr(empty, name) for name in ("database_url", "encryption_keys", "hash_key")}
    started = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", START, str(tmp_path)],
        env=os.environ | chosen,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    packages = set(json.loads(started.stdout))
    assert "strawberry" in packages
    assert packages.isdisjoint({"aioboto3", "aiobotocore", "botocore", "boto3", "s3transfer", "aiohttp"})


async def test_the_first_test_waits_for_the_sdk_and_its_steps_have_all_of_their_time(
    keyring: Keyring, loaded: list[str]
) -> None:
    storage = ObjectStorage(OutboundGate(["127.0.0.1"]))
    async with ScriptedS3() as s3:
        verifier = verifier_of(storage, keyring, wait_seconds=0.2)
        begun = time.monotonic()
        result = await verifier.verify(draft_of(s3))
        whole_ms = (time.monotonic() - begun) * 1000
    assert statuses(result).startswith("PP")
    assert result.waited_ms >= LOADING_SECONDS * 1000
    assert result.duration_ms <= whole_ms - result.waited_ms + 1


async def test_nobody_else_waits_while_the_sdk_is_loaded(keyring: Keyring, loaded: list[str]) -> None:
    storage = ObjectStorage(OutboundGate())
    opening = asyncio.create_task(storage.open())
    turns = 0
    while not opening.done():
        await asyncio.sleep(0.01)
        turns += 1
    assert turns >= 10
    assert loaded != [threading.current_thread().name]


async def test_tests_that_come_at_once_load_the_sdk_once(keyring: Keyring, loaded: list[str]) -> None:
    storage = ObjectStorage(OutboundGate(["127.0.0.1"]))
    async with ScriptedS3() as s3:
        verifier = verifier_of(storage, keyring)
        results = await asyncio.gather(*(verifier.verify(draft_of(s3)) for _ in range(4)))
        assert all(statuses(result).startswith("PP") for result in results)
        assert (await verifier.verify(draft_of(s3))).waited_ms < LOADING_SECONDS * 1000
    assert len(loaded) == 1


async def test_who_is_cancelled_while_the_sdk_is_loaded_leaves_the_storage_to_the_next(
    keyring: Keyring, loaded: list[str]
) -> None:
    storage = ObjectStorage(OutboundGate(["127.0.0.1"]))
    async with ScriptedS3() as s3:
        verifier = verifier_of(storage, keyring)
        first = asyncio.create_task(verifier.verify(draft_of(s3)))
        await asyncio.sleep(LOADING_SECONDS / 3)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert statuses(await verifier.verify(draft_of(s3))).startswith("PP")
