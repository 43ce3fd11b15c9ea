"""The AWS SDK is loaded by a process's first storage test, without shortening that test."""

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.commands import migrate
from app.foundation.encryption import Keyring
from app.foundation.outbound.guard import OutboundGate
from app.foundation.settings import Settings
from app.storage import s3 as storage_module
from app.storage import verification
from app.storage.model import BucketVendor
from app.storage.rules import StorageDraft
from app.storage.s3 import ObjectStorage
from app.storage.verification import StorageVerifier
from tests.storage.conftest import statuses
from tests.support.catalogue import empty, make_settings
from tests.support.loop_clock import pass_seconds
from tests.support.servers.scripted_s3 import ScriptedS3
from tests.support.waiting import until

__all__ = ["empty", "make_settings"]

# A server start in a process of its own: in this one, other tests have loaded everything.
START = """
import asyncio, json, sys
from pathlib import Path
from app.commands import command_line
from app.foundation import settings
from app.server import asgi

async def start():
    app = asgi.create_app(settings.load(data_dir=Path(sys.argv[1]), log_level="ERROR"))
    async with app.router.lifespan_context(app):
        print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))

asyncio.run(start())
"""


@dataclass
class Loading:
    """Loading the SDK advances the clock of the storage tests by 300 ms."""

    threads: list[str] = field(default_factory=list)
    """The names of tests that have begun loading."""
    may_end: threading.Event = field(default_factory=threading.Event)
    now: float = 0.0


@pytest.fixture
def loading(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loading]:
    """The SDK, which is loaded only when the test allows it."""
    loading, load = Loading(), storage_module._load_sdk

    def slowly() -> Any:
        loading.threads.append(threading.current_thread().name)
        loading.may_end.wait()
        loading.now += 0.3
        return load()

    monkeypatch.setattr(storage_module, "_load_sdk", slowly)
    monkeypatch.setattr(verification, "time", SimpleNamespace(monotonic=lambda: loading.now))
    yield loading
    loading.may_end.set()


def verifier_of(storage: ObjectStorage, keyring: Keyring, **limits: float) -> StorageVerifier:
    return StorageVerifier(storage, OutboundGate(["127.0.0.1"]), keyring, 8, **limits)


def draft_of(server: ScriptedS3) -> StorageDraft:
    return StorageDraft(BucketVendor.S3_COMPATIBLE, server.endpoint, "calls", "us-east-1", "key", "hunter2")


def test_a_server_that_tests_no_storage_does_not_load_the_sdk(tmp_path: Path, empty: Settings) -> None:
    asyncio.run(migrate.migrate(empty))
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
    assert "valkey" not in packages  # there is no CACHE_URL


async def test_loading_the_sdk_does_not_shorten_the_first_test(keyring: Keyring, loading: Loading) -> None:
    storage = ObjectStorage(OutboundGate(["127.0.0.1"]))
    async with ScriptedS3() as s3:
        first = asyncio.create_task(verifier_of(storage, keyring, wait_seconds=5).verify(draft_of(s3)))
        await until(lambda: loading.threads)
        await pass_seconds(20)  # longer than a test waits for a slot, and than its steps may take
        await asyncio.sleep(0)
        loading.may_end.set()
        result = await first
    assert statuses(result).startswith("PP")
    assert (result.waited_ms, result.duration_ms) == (300, 0)


async def test_loading_the_sdk_does_not_block_the_event_loop(loading: Loading) -> None:
    storage = ObjectStorage(OutboundGate())
    opening = asyncio.create_task(storage.open())
    await until(lambda: loading.threads)
    assert not opening.done()
    loading.may_end.set()
    await opening
    assert loading.threads != [threading.current_thread().name]


async def test_concurrent_tests_load_the_sdk_once(keyring: Keyring, loading: Loading) -> None:
    storage = ObjectStorage(OutboundGate(["127.0.0.1"]))
    async with ScriptedS3() as s3:
        verifier = verifier_of(storage, keyring)
        running = [asyncio.create_task(verifier.verify(draft_of(s3))) for _ in range(4)]
        await until(lambda: verifier._waiting == 4)
        loading.may_end.set()
        assert all(statuses(result).startswith("PP") for result in await asyncio.gather(*running))
        assert (await verifier.verify(draft_of(s3))).waited_ms == 0
    assert len(loading.threads) == 1


async def test_a_cancelled_load_of_the_sdk_can_be_repeated(keyring: Keyring, loading: Loading) -> None:
    storage = ObjectStorage(OutboundGate(["127.0.0.1"]))
    async with ScriptedS3() as s3:
        verifier = verifier_of(storage, keyring)
        first = asyncio.create_task(verifier.verify(draft_of(s3)))
        await until(lambda: loading.threads)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        loading.may_end.set()
        assert statuses(await verifier.verify(draft_of(s3))).startswith("PP")
