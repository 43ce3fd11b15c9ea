"""SDK clients are created once per endpoint and credentials, and closed at the end. Counted, not timed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from app.calls import recording_locations
from app.calls.model import Call, RecordingState
from app.storage import aws_sdk
from app.storage.clients import ClientCache
from app.storage.model import BucketVendor, RecordingConfig
from app.storage.s3 import ObjectStorage, StorageTarget
from app.storage.settings import stored_draft
from app.storage.verification import StorageVerifier
from tests.recording.upload_setup import UploadEnvironment, noise
from tests.support.servers.scripted_s3 import ScriptedS3


class Made:
    """Creates names instead of clients, and notes which are open."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.open: set[str] = set()

    @asynccontextmanager
    async def make(self, name: str) -> AsyncIterator[str]:
        self.names.append(name)
        await asyncio.sleep(0)
        self.open.add(name)
        yield name
        self.open.remove(name)


async def use(clients: ClientCache, made: Made, name: str) -> None:
    async with clients.client(name, lambda: made.make(name)) as client:
        assert client == name
        assert name in made.open


async def test_concurrent_callers_share_one_client() -> None:
    clients, made = ClientCache(), Made()
    await asyncio.gather(*(use(clients, made, "a") for _ in range(5)))
    await use(clients, made, "a")
    assert made.names == ["a"]


async def test_the_least_recently_used_client_is_evicted() -> None:
    clients, made = ClientCache(2), Made()
    for name in ("a", "b", "a", "c"):
        await use(clients, made, name)
    assert made.open == {"a", "c"}
    await use(clients, made, "b")
    assert made.open == {"b", "c"}
    assert made.names == ["a", "b", "c", "b"]


async def test_an_evicted_client_is_closed_by_its_last_user() -> None:
    clients, made = ClientCache(1), Made()
    async with clients.client("a", lambda: made.make("a")):
        async with clients.client("a", lambda: made.make("a")):
            await use(clients, made, "b")
            assert made.open == {"a", "b"}
        assert made.open == {"a", "b"}
    assert made.open == {"b"}


async def test_closing_the_cache_closes_all_clients() -> None:
    clients, made = ClientCache(), Made()
    async with clients.client("a", lambda: made.make("a")):
        await use(clients, made, "b")
        await clients.close()
        assert made.open == {"a"}
    assert made.open == set()


async def test_a_failing_user_does_not_close_a_shared_client() -> None:
    clients, made = ClientCache(), Made()
    with pytest.raises(ValueError, match="mine"):
        async with clients.client("a", lambda: made.make("a")):
            raise ValueError("mine")
    await use(clients, made, "a")
    assert made.names == ["a"]


# --- Of storages ------------------------------------------------------------------------------------------------------


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The credentials of each SDK client that is created."""
    found: list[tuple[str, str]] = []
    make = aws_sdk.Sdk.client

    def counted(self: aws_sdk.Sdk, **options: Any) -> AbstractAsyncContextManager[Any]:
        found.append((options["aws_access_key_id"], options["aws_secret_access_key"]))
        return make(self, **options)

    monkeypatch.setattr(aws_sdk.Sdk, "client", counted)
    return found


@pytest.fixture
async def s3() -> AsyncIterator[ScriptedS3]:
    async with ScriptedS3() as server:
        yield server


def target_of(s3: ScriptedS3, **changed: Any) -> StorageTarget:
    values = {
        "access_key_id": "key",
        "secret_access_key": "hunter2",
        "region": "us-east-1",
        "bucket": "calls",
        **changed,
    }
    return StorageTarget(vendor=BucketVendor.S3_COMPATIBLE, endpoint_url=s3.endpoint, **values)


async def none_is_connected(s3: ScriptedS3) -> None:
    async with asyncio.timeout(10):
        while s3.open_now:
            await asyncio.sleep(0)


async def test_recordings_with_the_same_keys_are_stored_by_one_client(
    scripted: tuple[UploadEnvironment, ScriptedS3], keys: list[tuple[str, str]]
) -> None:
    env, _ = scripted
    for _ in range(3):
        await env.recorded(noise(1_000))
        await env.scan()
    assert await Call.filter(recording_state=RecordingState.STORED).count() == 3
    assert len(keys) == 1


async def test_each_request_is_signed_with_its_own_keys(
    scripted: tuple[UploadEnvironment, ScriptedS3], keys: list[tuple[str, str]]
) -> None:
    env, s3 = scripted
    signers = []
    await env.of_another_account(s3.endpoint, "calls")
    for key_id in ("first", "second", "second"):
        await env.configure(s3.endpoint, access_key_id=key_id, secret_access_key=f"secret-of-{key_id}")
        await env.recorded(noise(1_000))
        await env.scan()
        signers.append({request.headers["authorization"].split("=")[1].split("/")[0] for request in s3.requests})
        s3.requests.clear()
    assert signers == [{"sibling", "first"}, {"second"}, {"second"}]
    assert sorted(keys) == [("first", "secret-of-first"), ("second", "secret-of-second"), ("sibling", "secret")]


@pytest.mark.parametrize(
    "other",
    [{"access_key_id": "other"}, {"secret_access_key": "other"}, {"region": "eu-west-1"}, {"endpoint": "other"}],
)
async def test_each_client_option_is_part_of_the_cache_key(
    storage: ObjectStorage, s3: ScriptedS3, keys: list[tuple[str, str]], other: dict[str, str]
) -> None:
    async with ScriptedS3() as elsewhere:
        changed = target_of(elsewhere) if "endpoint" in other else target_of(s3, **other)
        for target in (target_of(s3), changed, target_of(s3), changed, target_of(s3, bucket="other")):
            async with storage.client(target) as bucket:
                await bucket.call("head_bucket")
                assert bucket.client.meta.endpoint_url == target.endpoint
    assert len(keys) == 2


async def test_a_storage_test_uses_its_own_client(
    verifier: StorageVerifier, scripted: tuple[UploadEnvironment, ScriptedS3], keys: list[tuple[str, str]]
) -> None:
    env, s3 = scripted
    draft = stored_draft(env.keyring, await RecordingConfig.get(account_id=env.account_id))
    for _ in range(2):
        await verifier.verify(draft)
        await none_is_connected(s3)
    assert len(keys) == 2


async def test_an_unread_response_occupies_no_connection(storage: ObjectStorage, s3: ScriptedS3) -> None:
    s3.objects["/calls/long"] = bytes(20_000_000)
    for _ in range(2):
        async with recording_locations.request(storage, [target_of(s3)], "get_object", Key="long") as (_, answer):
            assert answer["ContentLength"] == 20_000_000
        await none_is_connected(s3)


async def test_a_storage_that_is_closed_has_no_connections(storage: ObjectStorage, s3: ScriptedS3) -> None:
    async with storage.client(target_of(s3)) as bucket:
        await bucket.call("head_bucket")
    assert s3.open_now == 1
    await storage.close()
    await none_is_connected(s3)
