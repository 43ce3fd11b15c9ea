"""Playback of recordings by their visible callers and by signed URLs, from the storage that holds them."""

import asyncio
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from prometheus_client import REGISTRY

from app.api_keys.model import ApiKey
from app.audit.model import AuditEvent
from app.audit.secret_reads import SecretReads
from app.calls import routes, signed_urls
from app.calls.model import Call, RecordingState
from app.calls.signed_urls import PlaybackEvents, storage_url
from app.demo.local_s3 import LocalS3
from app.foundation.concurrency_limits import FairSlots, Quota
from app.foundation.identifiers import Kind, parse_sid, sid_of
from app.foundation.permissions import AccessLevel, Role
from app.server import authentication
from app.storage.model import AudioFormat, RecordingConfig
from app.users.model import User
from tests.recording.recorded import Recorded, configure, recorded, served, target_in, wav
from tests.support.installation import Installation, Person, World
from tests.support.personas import add_people
from tests.support.servers.scripted_s3 import Answer, ScriptedS3, error
from tests.support.statements import recorded as statements
from tests.support.waiting import until


@pytest.fixture
async def own(installation: Installation, local_s3: LocalS3) -> Recorded:
    """A recorded call of the own account."""
    return await recorded(installation, target_in(local_s3))


async def get(person: Person, path: str, **headers: str) -> httpx.Response:
    return await person.client.get(path, headers={**person.headers, **headers})


def message(answer: httpx.Response) -> str:
    said: str = answer.json()["errors"][0]["message"]
    return said


async def test_all_callers_who_see_the_account_can_play_its_recordings(
    own: Recorded, account_user: Person, read_only: Person, provider: Person, admin: Person
) -> None:
    for person in (account_user, read_only, provider, admin):
        answer = await get(person, f"{own.path}.wav")
        assert (answer.status_code, answer.content) == (200, own.audio)
    headers = answer.headers
    assert headers["content-type"] == "audio/wav"
    assert headers["content-length"] == str(len(own.audio))
    assert headers["accept-ranges"] == "bytes"
    assert headers["cache-control"].startswith("private")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-disposition"] == 'inline; filename="2026-01-31_13-37-00_+4930123456_+4989654321.wav"'
    saved = await get(admin, f"{own.path}.wav?download=1")
    assert saved.headers["content-disposition"].startswith("attachment; ")


async def test_no_caller_account_or_provider_takes_all_playback_slots(
    own: Recorded,
    installation: Installation,
    local_s3: LocalS3,
    read_only: Person,
    account_user: Person,
    provider: Person,
    admin: Person,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A slow bucket holds a request, and a connection to it, for as long as its owner likes."""
    listeners = FairSlots(8)
    monkeypatch.setattr(routes, "PLAYBACK_SLOTS", listeners)
    sibling = await recorded(installation, target_in(local_s3), of="sibling")
    foreign = await recorded(installation, target_in(local_s3), of="foreign")
    key, account, of_provider = (
        parse_sid(kind, world[name])
        for kind, name in (
            (Kind.API_KEY, "read_only_key"),
            (Kind.ACCOUNT, "own"),
            (Kind.SERVICE_PROVIDER, "provider"),
        )
    )
    for share, holder, number, refused, heard in (
        (Quota.CALLER, key, 2, (read_only, own), (account_user, own)),
        (Quota.ACCOUNT, account, 4, (admin, own), (admin, sibling)),
        (Quota.PROVIDER, of_provider, 6, (provider, sibling), (admin, foreign)),
    ):
        with ExitStack() as held:
            for _ in range(number):
                held.enter_context(listeners.slot()).add(share, holder)
            answer = await get(refused[0], refused[1].path)
            assert (answer.status_code, answer.headers["retry-after"]) == (429, "5")
            assert answer.json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
            assert f"{number} recordings of one {share.words}" in message(answer)
            assert (await get(heard[0], heard[1].path)).status_code == 200
    assert listeners.total == 0
    with ExitStack() as held:
        for _ in range(8):
            held.enter_context(listeners.slot())
        assert (await get(admin, foreign.path)).status_code == 503
    assert (await get(read_only, own.path)).content == own.audio


async def test_a_recording_of_another_tenant_looks_missing(
    own: Recorded, sibling_user: Person, foreign_user: Person, other_provider: Person, admin: Person
) -> None:
    unknown = await get(admin, f"/recordings/CA{'0' * 32}")
    for person in (sibling_user, foreign_user, other_provider):
        answer = await get(person, own.path)
        assert (answer.status_code, message(answer)) == (404, message(unknown)) == (404, "There is no such recording.")
    for name in ("CA", "nonsense", f"AC{own.call.id.hex}", f"{own.id}.exe", f"{own.id}.wav.wav"):
        assert (await get(admin, f"/recordings/{name}")).status_code == 404


async def test_playback_requires_authentication(own: Recorded, stranger: Person) -> None:
    answer = await get(stranger, own.path)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert (await get(stranger, own.path, Authorization="Bearer vgk_x")).status_code == 401


async def test_several_authorization_headers_are_rejected(own: Recorded, admin: Person, read_only: Person) -> None:
    """Which header a proxy would have checked is unknown."""
    for shown in ((admin, read_only), (read_only, read_only)):
        headers = [(b"Authorization", person.headers["Authorization"].encode()) for person in shown]
        assert (await admin.client.get(f"{own.path}.wav", headers=headers)).status_code == 401


async def test_a_gateways_key_may_not_play_recordings(
    installation: Installation, own: Recorded, read_only: Person
) -> None:
    async with installation.database():
        key_id = parse_sid(Kind.API_KEY, installation.world["read_only_key"])
        await ApiKey.filter(id=key_id).update(access_level=AccessLevel.GATEWAY)
    assert (await get(read_only, own.path)).status_code == 403


async def test_a_signed_url_needs_no_header(own: Recorded, account_user: Person, stranger: Person) -> None:
    before = int(time.time())
    address = await own.address(account_user)
    assert before + 3600 <= int(dict(parse_qsl(urlsplit(address).query))["expires"]) <= time.time() + 3600
    answer = await get(stranger, address)
    assert (answer.status_code, answer.content) == (200, own.audio)


async def test_a_modified_signed_url_is_rejected(
    own: Recorded, installation: Installation, account_user: Person, stranger: Person, local_s3: LocalS3
) -> None:
    other = await recorded(installation, own.target)
    address = await own.address(account_user)
    query = dict(parse_qsl(urlsplit(address).query))
    changes: list[dict[str, str]] = [
        {"expires": str(int(query["expires"]) + 1)},
        {"expires": "x"},
        {"for": installation.world["provider_key"]},
        {"account": installation.world["sibling"]},
        {"signature": query["signature"][:-1] + ("0" if query["signature"][-1] != "0" else "1")},
        {"signature": ""},
        {"signature": "é\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16")},
        {"account": ""},
    ]
    answers = [await get(stranger, f"{own.path}?{urlencode({**query, **change})}") for change in changes]
    answers.append(await get(stranger, f"{other.path}?{urlencode(query)}"))
    answers.append(await get(stranger, f"/recordings/nonsense?{urlencode(query)}"))
    assert {answer.status_code for answer in answers} == {403}
    assert len({message(answer) for answer in answers}) == 1


async def test_a_signed_url_expires(
    own: Recorded, account_user: Person, stranger: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signed_urls, "URL_SECONDS", -1)
    ended = await get(stranger, await own.address(account_user))
    assert (ended.status_code, message(ended)) == (
        403,
        "This URL is expired, revoked or incomplete. Request a new one.",
    )


async def test_withdrawing_the_permission_to_listen_invalidates_signed_urls_and_those_of_the_persons_keys(
    own: Recorded, installation: Installation, stranger: Person, wait: Callable[[float], None]
) -> None:
    people = await add_people(installation, "ann")
    made = await people["ann"].change("createApiKey", "token", name="Ann's own")
    addresses = [await own.address(caller) for caller in (people["ann"], installation.holder(made["token"]))]
    assert [(await get(stranger, address)).status_code for address in addresses] == [200, 200]
    async with installation.database():
        await User.filter(id=parse_sid(Kind.USER, people.ids["ann"])).update(role=Role.VIEWER)
    wait(authentication.CACHE_SECONDS + 0.1)
    for address in addresses:
        refused = await get(stranger, address)
        assert (refused.status_code, message(refused)) == (
            403,
            "Playing recordings needs the permission LISTEN_TO_RECORDINGS.",
        )


async def test_an_owner_who_is_a_viewer_plays_recordings_of_the_owned_account_until_the_ownership_ends(
    own: Recorded, installation: Installation, stranger: Person, world: World
) -> None:
    people = await add_people(installation, "vera", "boss")
    vera = people["vera"]
    path = f"{own.path}.wav"
    assert (await get(vera, path)).status_code == 403
    given = {"id": world["own"], "ownerId": people.ids["vera"]}
    assert (await people["boss"].change("transferAccountOwnership", "__typename", **given))["userErrors"] == []
    address = await own.address(vera)
    assert [(await get(vera, path)).status_code, (await get(stranger, address)).status_code] == [200, 200]
    await people["boss"].change("transferAccountOwnership", "__typename", **given | {"ownerId": people.ids["boss"]})
    assert [(await get(vera, path)).status_code, (await get(stranger, address)).status_code] == [403, 403]


@pytest.mark.parametrize("closing", ["revoked", "suspended", "expired", "gateway"])
async def test_revoking_a_key_invalidates_its_signed_urls(
    own: Recorded,
    installation: Installation,
    read_only: Person,
    stranger: Person,
    world: World,
    wait: Callable[[float], None],
    closing: str,
) -> None:
    assert authentication.CACHE_SECONDS < 5
    address = await own.address(read_only)
    assert (await get(stranger, address)).status_code == 200
    key = ApiKey.filter(id=parse_sid(Kind.API_KEY, world["read_only_key"]))
    now = datetime.now(UTC)
    async with installation.database():
        if closing == "suspended":
            await installation.person("admin").change(
                "setAccountActive", "account { id }", id=world["own"], active=False
            )
        elif closing == "gateway":
            await key.update(access_level=AccessLevel.GATEWAY)
        else:
            await key.update(**({"revoked_at": now} if closing == "revoked" else {"expires_at": now}))
    wait(authentication.CACHE_SECONDS + 0.1)
    assert (await get(stranger, address)).status_code == 403


async def test_ending_a_session_invalidates_its_signed_urls(
    own: Recorded, installation: Installation, stranger: Person, wait: Callable[[float], None]
) -> None:
    people = await add_people(installation, "ann")
    address = await own.address(people["ann"])
    assert (await get(stranger, address)).status_code == 200
    await people["ann"].ask("mutation { logout { userErrors { code } } }")
    wait(authentication.CACHE_SECONDS + 0.1)
    assert (await get(stranger, address)).status_code == 403


async def test_moving_the_account_invalidates_signed_urls(
    own: Recorded, installation: Installation, provider: Person, admin: Person, stranger: Person, world: World
) -> None:
    address = await own.address(provider)
    assert (await get(stranger, address)).status_code == 200
    await admin.change("moveAccount", "account { id }", id=world["own"], serviceProviderId=world["other_provider"])
    assert (await get(stranger, address)).status_code == 404


RANGES = [
    ("bytes=0-0", slice(0, 1)),
    ("bytes=100-199", slice(100, 200)),
    ("bytes=32000-", slice(32000, None)),
    ("bytes=-10", slice(-10, None)),
    ("bytes=0-99999999", slice(0, None)),
]


@pytest.mark.parametrize(("asked", "part"), RANGES)
async def test_a_single_range_gets_a_partial_response(own: Recorded, admin: Person, asked: str, part: slice) -> None:
    answer = await get(admin, own.path, Range=asked)
    assert (answer.status_code, answer.content) == (206, own.audio[part])
    size = len(own.audio)
    first, end, _ = part.indices(size)
    assert answer.headers["content-range"] == f"bytes {first}-{end - 1}/{size}"


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "bytes=5-1", "bytes=-", "bytes=a-b", "items=0-1", "bytes=0-1-2"])
async def test_other_ranges_get_the_whole_object(own: Recorded, admin: Person, asked: str) -> None:
    answer = await get(admin, own.path, Range=asked)
    assert (answer.status_code, answer.content) == (200, own.audio)


async def test_a_range_beyond_the_end_is_refused_with_the_size(own: Recorded, admin: Person) -> None:
    answer = await get(admin, own.path, Range="bytes=1000000-")
    assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{len(own.audio)}")


async def test_if_range_sends_a_part_of_the_same_object_only(own: Recorded, admin: Person) -> None:
    tag = (await get(admin, own.path)).headers["etag"]
    same = await get(admin, own.path, **{"Range": "bytes=0-9", "If-Range": tag})
    assert (same.status_code, same.content) == (206, own.audio[:10])
    for other in ('"other"', "Sat, 31 Jan 2026 13:37:00 GMT", f"W/{tag}"):
        whole = await get(admin, own.path, **{"Range": "bytes=0-9", "If-Range": other})
        assert (whole.status_code, whole.content) == (200, own.audio)
    known = await get(admin, own.path, **{"If-None-Match": tag})
    assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", tag)


async def test_head_has_the_same_headers_without_the_audio(own: Recorded, admin: Person) -> None:
    whole = await get(admin, own.path)
    head = await admin.client.head(own.path, headers={**admin.headers, "Range": "bytes=0-9"})
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-length", "content-type", "etag", "accept-ranges", "content-disposition"):
        assert head.headers[name] == whole.headers[name]
    assert (await admin.client.post(own.path, headers=admin.headers)).status_code == 405


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (RecordingState.RECORDING, 409),
        (RecordingState.STORING, 409),
        (RecordingState.FAILED, 409),
        (RecordingState.DELETED, 410),
    ],
)
async def test_a_recording_that_is_not_stored_is_refused_with_its_state(
    installation: Installation, local_s3: LocalS3, admin: Person, state: RecordingState, status: int
) -> None:
    call = await recorded(installation, target_in(local_s3), recording_state=state, recording_error={"code": "x"})
    answer = await get(admin, call.path)
    assert answer.status_code == status
    assert state.name in message(answer) or state is RecordingState.DELETED


async def test_old_recordings_play_after_a_new_configuration(
    installation: Installation, local_s3: LocalS3, account_user: Person
) -> None:
    """Another bucket, other keys, another region, another format: one at a time, and all at once."""
    first = await recorded(installation, target_in(local_s3))
    old_region = await recorded(installation, target_in(local_s3, region="eu-central-1"))
    mp3 = await recorded(installation, target_in(local_s3), audio=b"\xff\xfb" * 500, audio_format=AudioFormat.MP3)
    for now in (
        target_in(local_s3, "calls", "s3adminkey", "s3adminsecret"),
        target_in(local_s3, region="eu-west-1"),
        target_in(local_s3, "other", "neighbourkey", "neighboursecret"),
        target_in("http://127.0.0.1:9", "elsewhere", "a" * 16, "b" * 16),
    ):
        await configure(installation, now)
        for each in (first, old_region, mp3):
            answer = await get(account_user, each.path)
            assert (answer.status_code, answer.content) == (200, each.audio)
    assert answer.headers["content-type"] == "audio/mpeg"


async def test_the_present_keys_of_the_bucket_replace_revoked_ones(
    installation: Installation, local_s3: LocalS3, account_user: Person
) -> None:
    good = target_in(local_s3)
    call = await recorded(installation, good)
    withdrawn = target_in(local_s3, "calls", "withdrawnkey", "withdrawnsecret")
    async with installation.database():
        from app.storage import credentials

        credential_id = await credentials.get_or_create(installation.resources.keyring, call.call.account_id, withdrawn)
        await Call.filter(id=call.call.id).update(recording_credential_id=credential_id)
    refused = await get(account_user, call.path)
    assert (refused.status_code, "InvalidAccessKeyId" in message(refused)) == (502, True)
    await configure(installation, target_in(local_s3, "other", "neighbourkey", "neighboursecret"))
    assert (await get(account_user, call.path)).status_code == 502
    await configure(installation, good)
    assert (await get(account_user, call.path)).content == call.audio
    assert (await get(account_user, call.path, Range="bytes=0-3")).content == b"RIFF"


async def test_an_object_deleted_in_the_bucket_is_reported(own: Recorded, admin: Person) -> None:
    from tests.recording.recorded import client_of

    client_of(own.target).delete_object(Bucket="calls", Key=own.call.recording_key)
    for answer in (await get(admin, own.path), await get(admin, own.path, Range="bytes=0-9")):
        assert (answer.status_code, message(answer)) == (
            404,
            "The recording is no longer in the bucket: it was deleted there.",
        )


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (error(503, "SlowDown"), "SlowDown"),
        (error(403, "AccessDenied"), "AccessDenied"),
        (error(403, "RequestTimeTooSkewed"), "clock"),
        (Answer(200, b"<html>", {"Content-Type": "text/html"}), ""),
    ],
)
async def test_a_storage_that_refuses_is_a_bad_gateway_with_advice(
    installation: Installation, admin: Person, script: Answer, words: str
) -> None:
    async with ScriptedS3() as s3:
        call = await recorded(installation, target_in(s3.endpoint))
        s3.answers["get"] = script
        answer = await get(admin, call.path)
        if script.status == 200:  # served as audio, whatever it is
            assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/wav")
            return
        assert answer.status_code == 502
        assert words in message(answer)


async def test_a_missing_encryption_key_is_reported(
    own: Recorded, installation: Installation, admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installation.resources.keyring, "_ciphers", {})
    answer = await get(admin, own.path)
    assert (answer.status_code, "ENCRYPTION_KEYS" in message(answer)) == (503, True)


async def test_undecryptable_present_keys_do_not_affect_the_stored_ones(
    own: Recorded, installation: Installation, admin: Person
) -> None:
    await configure(installation, replace(own.target, secret_access_key="another secret"))
    async with installation.database():
        await RecordingConfig.filter(account_id=own.call.account_id).update(secret_access_key=b"not sealed")
    assert (await get(admin, own.path)).content == own.audio


async def test_an_unreachable_storage_is_reported_within_seconds(installation: Installation, admin: Person) -> None:
    async with ScriptedS3() as s3:
        call = await recorded(installation, target_in(s3.endpoint))
    answer = await get(admin, call.path)
    assert (answer.status_code, "Nothing listens" in message(answer)) == (502, True)


LONG = bytes(range(256)) * 4096 * 16  # 16 MiB


async def test_a_storage_that_fails_half_way_cuts_the_clients_connection(
    installation: Installation, admin: Person
) -> None:
    async def half(_: Any, writer: asyncio.StreamWriter) -> None:
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\nETag: "e"\r\n\r\n' + b"a" * 300_000)
        await writer.drain()
        writer.close()

    async with ScriptedS3() as s3, served(installation) as client:
        call = await recorded(installation, target_in(s3.endpoint))
        s3.answers["get"] = half
        with pytest.raises(httpx.RemoteProtocolError, match=r"without sending complete message body.*expected 1000000"):
            await client.get(call.path, headers=admin.headers)
        s3.answers.clear()
        assert (await client.get(call.path, headers=admin.headers)).content == call.audio


async def test_a_disconnected_client_leaves_no_connection_to_the_storage(
    installation: Installation, admin: Person
) -> None:
    async with ScriptedS3() as s3, served(installation) as client:
        call = await recorded(installation, target_in(s3.endpoint), audio=LONG)
        for _ in range(5):
            async with client.stream("GET", call.path, headers=admin.headers) as answer:
                await anext(answer.aiter_bytes())
                assert s3.open_now >= 1
        await until(lambda: s3.open_now == 0)
        whole = await client.get(call.path, headers=admin.headers)
        assert whole.content == LONG


async def test_a_client_that_disconnects_before_the_storage_responds_is_no_server_error(
    installation: Installation, admin: Person
) -> None:
    asked = asyncio.Event()

    async def never(_: Any, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await asyncio.Event().wait()

    async with ScriptedS3() as s3, served(installation) as client:
        call = await recorded(installation, target_in(s3.endpoint))
        s3.answers["get"] = never
        before = _counted("500"), _counted("499")
        leaving = asyncio.create_task(client.get(call.path, headers=admin.headers))
        await asyncio.wait_for(asked.wait(), 10)
        leaving.cancel()
        await until(lambda: (_counted("500"), _counted("499")) != before)
        assert (_counted("500"), _counted("499")) == (before[0], before[1] + 1)


def _counted(status: str) -> float:
    return REGISTRY.get_sample_value("vga_http_requests_total", {"status": status}) or 0.0


async def test_a_slow_client_slows_the_download_from_the_storage(installation: Installation, admin: Person) -> None:
    sent = 0

    async def counted(_: Any, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        for _ in range(100_000_000 // 50_000):
            writer.write(b"a" * 50_000)
            await writer.drain()
            sent += 50_000

    async with ScriptedS3() as s3, served(installation) as client:
        call = await recorded(installation, target_in(s3.endpoint))
        s3.answers["get"] = counted
        async with client.stream("GET", call.path, headers=admin.headers) as answer:
            await anext(answer.aiter_bytes())
            stands = [0] * 20

            def stands_still() -> bool:
                stands[:] = [*stands[1:], sent]
                return stands[0] == sent > 0

            await until(stands_still)
            assert sent < 30_000_000  # the size of kernel buffers on both sides


async def events(installation: Installation) -> list[AuditEvent]:
    async with installation.database():
        await installation.resources.clients[SecretReads].flush()
        return await AuditEvent.filter(operation="playRecording")


async def test_each_playback_is_audited_once_an_hour(
    own: Recorded,
    installation: Installation,
    admin: Person,
    account_user: Person,
    stranger: Person,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    address = await own.address(account_user)
    await admin.client.head(own.path, headers=admin.headers)
    assert await events(installation) == []
    for start in range(5):
        await get(admin, own.path, Range=f"bytes={start}-")
        await get(stranger, address)
    await get(account_user, own.path)
    found = await events(installation)
    assert {event.object_id for event in found} == {own.call.id}
    assert {event.account_id for event in found} == {own.call.account_id}
    assert sorted(sid_of(Kind.API_KEY, event.key_id) for event in found if event.key_id)[0] != ""
    assert len(found) == 2
    later = time.time() + 3600
    monkeypatch.setattr(time, "time", lambda: later)
    await get(admin, own.path)
    assert len(await events(installation)) == 3


async def test_a_failed_playback_is_not_audited(
    own: Recorded, installation: Installation, admin: Person, sibling_user: Person
) -> None:
    await get(sibling_user, own.path)
    await get(admin, own.path, Range="bytes=1000000-")
    assert await events(installation) == []


async def test_playback_events_use_bounded_memory(
    installation: Installation, own: Recorded, admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    from uuid import uuid4

    monkeypatch.setattr(signed_urls, "_MAXIMUM_ENTRIES", 10)
    viewer, listenings = (await own.context(admin)).viewer, PlaybackEvents()
    assert all(listenings.is_new(viewer, uuid4()) for _ in range(50))
    assert len(listenings._hours) == 10


async def test_a_presigned_url_plays_directly_from_the_storage(
    own: Recorded, installation: Installation, account_user: Person
) -> None:
    async with installation.database():
        context = await own.context(account_user)
        address = await storage_url(context, own.call)
        assert address is not None
        assert await storage_url(context, own.call) == address
    assert address.startswith(own.target.endpoint)
    assert dict(parse_qsl(urlsplit(address).query))["X-Amz-Expires"] == "900"
    async with httpx.AsyncClient(trust_env=False) as anybody:
        answer = await anybody.get(address)
    assert (answer.status_code, answer.content) == (200, own.audio)
    assert answer.headers["content-type"] == "audio/wav"
    assert "+4930123456" in answer.headers["content-disposition"]
    assert own.target.secret_access_key not in address
    assert len(await events(installation)) == 1


ADDRESSES = """query ($id: ID!) { account(id: $id) { recentCalls { nodes {
    id recording { state url playerUrl storageUrl } } } } }"""


async def test_a_page_of_calls_has_all_urls_with_a_constant_number_of_statements(
    installation: Installation, local_s3: LocalS3, account_user: Person, stranger: Person, world: World
) -> None:
    counts = []
    for number in range(3):
        made = await recorded(installation, target_in(local_s3))
        await account_user.ask("{ viewer { scope } }")
        with statements() as sent:
            nodes = (await account_user.ask(ADDRESSES, id=world["own"])).only("account")["recentCalls"]["nodes"]
        assert len(nodes) == number + 1
        # Periodic writes, such as playback events, may fall into any of them.
        counts.append(sum(text.startswith("SELECT") for text, _ in sent))
    assert counts[0] > 0
    assert len(set(counts)) == 1
    recording = next(node["recording"] for node in nodes if node["id"] == made.id)
    for name in ("url", "playerUrl"):
        address = recording[name].removeprefix(installation.settings.base_url)
        assert address.startswith(made.path)
        assert (await stranger.client.get(address)).status_code == 200
    assert urlsplit(recording["url"]).path == f"{made.path}.wav"
    async with httpx.AsyncClient(trust_env=False) as anybody:
        assert (await anybody.get(recording["storageUrl"])).content == made.audio
    assert {event.object_id for event in await events(installation)} >= {made.call.id}


async def test_a_recording_that_is_not_stored_has_no_storage_url(
    installation: Installation, local_s3: LocalS3, account_user: Person
) -> None:
    call = await recorded(installation, target_in(local_s3), recording_state=RecordingState.DELETED)
    lost = await recorded(installation, target_in(local_s3), recording_credential_id=None)
    async with installation.database():
        context = await call.context(account_user)
        assert await storage_url(context, call.call) is None
        assert await storage_url(context, lost.call) is None
    assert (await get(account_user, lost.path)).status_code == 502
    assert await events(installation) == []


async def test_there_is_none_at_an_address_that_may_not_be_called(
    own: Recorded, installation: Installation, account_user: Person, world: World
) -> None:
    forbidden = await recorded(installation, own.target)
    async with installation.database():
        await Call.filter(id=forbidden.call.id).update(recording_endpoint_url="http://10.0.0.1")
    nodes = (await account_user.ask(ADDRESSES, id=world["own"])).only("account")["recentCalls"]["nodes"]
    addresses = {node["id"]: node["recording"]["storageUrl"] for node in nodes}
    assert addresses[forbidden.id] is None
    assert addresses[own.id].startswith(own.target.endpoint)


@pytest.mark.settings(allowed_origins=["https://portal.example.com"])
async def test_a_front_end_of_another_origin_may_read_ranges(own: Recorded, admin: Person) -> None:
    asked = {"Origin": "https://portal.example.com", "Access-Control-Request-Method": "GET"}
    wanted = {**asked, "Access-Control-Request-Headers": "authorization,range"}
    assert (await admin.client.options(own.path, headers=wanted)).status_code == 200
    answer = await get(admin, own.path, Range="bytes=0-9", Origin="https://portal.example.com")
    assert answer.headers["access-control-allow-origin"] == "https://portal.example.com"
    assert "content-range" in answer.headers["access-control-expose-headers"].lower()


def test_the_tones_of_these_tests_are_a_wav_of_their_length() -> None:
    assert len(wav(0.5)) == 44 + 4000 * 4
