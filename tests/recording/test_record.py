"""`/record`: streamed audio arrives in the spool completely, whatever happens during the call."""

import asyncio
import base64
import errno
import json
import os
import re
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import numpy
import pytest
import soundfile
from tortoise.exceptions import OperationalError
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from app.calls.model import Call, CallDirection, RecordingState
from app.foundation.access import Scope, Viewer
from app.foundation.database import orm
from app.foundation.encryption import Keyring
from app.foundation.events import LiveEvents
from app.foundation.identifiers import Kind, parse_sid
from app.foundation.logging import RequestLog
from app.foundation.permissions import LEVELS, AccessLevel
from app.recording import audio_stream, ingest, lifecycle
from app.recording.admission import admit, refusals_of_closed_accounts
from app.recording.spool import Spool, SpooledRecording
from app.recording.stream import FirstFrame
from app.server.transport.websocket import StreamingProtocol
from app.storage.model import BucketVendor
from tests.recording.gateways import Gateway, closed, gateway_of, uuid_of
from tests.recording.sounds import likeness, speech
from tests.recording.test_spool import metadata
from tests.server.test_metrics import metrics, number
from tests.support.installation import Installation, Person, World
from tests.support.loop_clock import pass_seconds
from tests.support.waiting import until


@pytest.fixture
async def gateway(installation: Installation, world: World, provider: Person) -> AsyncIterator[Gateway]:
    """A provider's gateway; the own account records all calls, as WAV."""
    async with gateway_of(installation, world, provider) as made:
        yield made


HANDSHAKE = (
    "GET /record HTTP/1.1\r\n"
    "Host: 127.0.0.1\r\n"
    "Upgrade: websocket\r\n"
    "Connection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: audio.jambonz.org\r\n"
    "Authorization: Basic {basic}\r\n"
    "\r\n"
)
ANSWER = (
    r"HTTP/1\.1 101 Switching Protocols\r\n"
    r"Upgrade: websocket\r\n"
    r"Connection: Upgrade\r\n"
    r"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n"
    r"date: [A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT\r\n"
    r"x-request-id: [0-9a-f]{32}\r\n"
    r"Sec-WebSocket-Protocol: audio\.jambonz\.org\r\n"
    r"\r\n"
)
MASK = b"\x01\x02\x03\x04"


def frame(first_byte: int, payload: bytes) -> bytes:
    """A masked frame (RFC 6455, 5.2), built without a library."""
    length = len(payload)
    size = bytes([0x80 | length]) if length < 126 else bytes([0x80 | 126]) + length.to_bytes(2, "big")
    return bytes([first_byte]) + size + MASK + bytes(byte ^ MASK[i % 4] for i, byte in enumerate(payload))


async def test_the_protocol_is_followed_byte_for_byte(gateway: Gateway, world: World) -> None:
    basic = base64.b64encode(f"gateway:{gateway.key}".encode()).decode()
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(HANDSHAKE.format(basic=basic).encode())
    answer = await reader.readuntil(b"\r\n\r\n")
    assert re.fullmatch(ANSWER, answer.decode()), answer.decode()
    told = (
        b'{"sampleRate":8000,"mixType":"stereo","callSid":"b6f48929-8e86-4d62-ae3b-64fb574d91f6","direction":"inbound",'
        b'"from":"+4930123456","to":"+49301000","callId":"f3a9@198.51.100.7","sipStatus":100,"callStatus":"trying",'
        b'"accountSid":"' + uuid_of(world["own"]).encode() + b'","traceId":"0af7651916cd43dd8448eb211c80319c",'
        b'"originatingSipIp":"198.51.100.7","fsSipAddress":"198.51.100.8"}'
    )
    writer.write(frame(0x81, told))
    writer.write(frame(0x82, b"\x01\x00\x02\x00" * 160))
    writer.write(frame(0x81, b'{"event":"dtmf","dtmf":"5","duration":"1600"}'))
    writer.write(frame(0x82, b"\x03\x00\x04\x00" * 160))
    writer.write(frame(0x89, b"ping"))
    assert await reader.readexactly(6) == b"\x8a\x04ping"
    writer.write(frame(0x88, b"\x03\xe8"))
    assert await reader.read() == b"\x88\x02\x03\xe8"
    writer.close()
    await gateway.idle()
    recording = await gateway.spooled("b6f48929-8e86-4d62-ae3b-64fb574d91f6")
    header = (
        b"RIFF\x24\x05\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x02\x00\x40\x1f\x00\x00\x00\x7d\x00\x00\x04\x00\x10\x00"
        b"data\x00\x05\x00\x00"
    )
    assert recording.audio_path.read_bytes() == header + b"\x01\x00\x02\x00" * 160 + b"\x03\x00\x04\x00" * 160
    assert recording.stream_end is not None
    assert (recording.stream_end.duration_ms, recording.stream_end.samples) == (40, 320)
    call = await gateway.call("b6f48929-8e86-4d62-ae3b-64fb574d91f6")
    assert (call.direction, call.from_number, call.to_number) == (CallDirection.INBOUND, "+4930123456", "+49301000")
    assert (call.trace_id, call.recording_state) == ("0af7651916cd43dd8448eb211c80319c", RecordingState.STORING)
    assert recording.metadata.key == call.recording_key


@pytest.mark.parametrize(("rate", "mix"), [(8_000, "stereo"), (16_000, "mono"), (48_000, "stereo")])
async def test_wav_holds_the_sent_audio_whatever_the_frame_sizes(gateway: Gateway, rate: int, mix: str) -> None:
    sent = speech(rate, 2 if mix == "stereo" else 1, 3)
    await gateway.stream("cut", sent.tobytes(), frame_bytes=333, sampleRate=rate, mixType=mix)
    heard, found_rate = soundfile.read((await gateway.spooled("cut")).audio_path, dtype="int16", always_2d=True)
    assert found_rate == rate
    assert numpy.array_equal(heard, sent)


async def test_a_sample_split_between_two_writes_is_complete(
    installation: Installation, world: World, provider: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "WRITE_EVERY_SECONDS", 0.01)
    async with gateway_of(installation, world, provider, form="MP3") as gateway:
        async with gateway.opened() as connection:
            await connection.send(gateway.first_frame("cut"))
            for number in range(1, 21):
                await connection.send(bytes(643))
                await gateway.running("cut", written=number * 643 // 4 * 4)
        await gateway.idle()
        recording = await gateway.spooled("cut")
    assert recording.stream_end is not None
    assert recording.stream_end.samples == 20 * 643 // 4


async def finish_work(threads: ThreadPoolExecutor) -> None:
    """Waits until all submitted work is done."""
    await asyncio.sleep(0)  # lets tasks submit their work first
    size = threads._max_workers
    together, loop = threading.Barrier(size), asyncio.get_running_loop()
    await asyncio.gather(*(loop.run_in_executor(threads, together.wait) for _ in range(size)))


async def test_the_end_of_a_call_waits_for_a_write_in_progress(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, is_writing, goes_on = audio_stream.AudioStream.write, threading.Event(), threading.Event()

    def slow(stream: audio_stream.AudioStream, audio: bytes) -> Exception | None:
        if audio.startswith(b"1"):
            is_writing.set()
            goes_on.wait()
        return write(stream, audio)

    monkeypatch.setattr(audio_stream.AudioStream, "write", slow)
    try:
        async with gateway.opened() as connection:
            await connection.send(gateway.first_frame("slow"))
            await connection.send(b"1" * 640)
            await until(is_writing.is_set)
            stream = await gateway.running("slow")
            await connection.send(b"2" * 640)
            closing = asyncio.create_task(connection.close())
            await until(lambda: stream.ending is not None)
            await finish_work(gateway.recording_ingest._ending)
            goes_on.set()
            await closing
    finally:
        goes_on.set()
    await gateway.idle()
    assert (await gateway.spooled("slow")).read(44, 2_000) == b"1" * 640 + b"2" * 640


async def test_a_call_begins_while_the_audio_of_others_is_written(gateway: Gateway) -> None:
    """A beginning holds a transaction that others wait for."""
    may_go_on = threading.Event()
    for _ in range(ingest._THREADS):
        gateway.recording_ingest._threads.submit(may_go_on.wait)
    try:
        async with gateway.opened() as connection:
            await connection.send(gateway.first_frame("begins"))
            await connection.send(bytes(640))
            stream = await gateway.running("begins")
            assert (await gateway.call("begins")).recording_state is RecordingState.RECORDING
            assert stream.samples == 0
            may_go_on.set()
    finally:
        may_go_on.set()
    await gateway.idle()


async def test_a_stream_faster_than_real_time_is_written_second_by_second() -> None:
    stream = audio_stream.AudioStream(FirstFrame("fast", UUID(int=1)), lambda: None)
    second, ten_seconds = 8_000 * 4, bytes(range(256)) * 1_250
    stream.receive(ten_seconds)
    written = stream.next_audio()
    assert written == ten_seconds[:second]
    assert stream.has_audio
    assert stream.next_audio() == ten_seconds[second : 2 * second]
    assert stream.remaining_audio() == ten_seconds[2 * second :]


async def test_a_delayed_stream_catches_up_with_real_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr(audio_stream, "time", SimpleNamespace(monotonic=lambda: now))
    stream = audio_stream.AudioStream(FirstFrame("slow", UUID(int=1)), lambda: None)
    stream.receive(bytes(8_000 * 4 * 8))
    now = 105.0
    assert len(stream.next_audio()) == 8_000 * 4 * 5
    assert len(stream.next_audio()) == 8_000 * 4


async def test_a_full_stream_has_room_after_a_write() -> None:
    told: list[str] = []
    stream = audio_stream.AudioStream(FirstFrame("full", UUID(int=1)), lambda: told.append("full"))
    stream.on_room = lambda: told.append("room")
    stream.receive(bytes(audio_stream.MAXIMUM_BUFFER_BYTES + 8_000 * 4))
    stream.next_audio()
    assert told == ["full"]
    stream.next_audio()
    assert told == ["full", "room"]


async def test_a_recorded_mp3_sounds_like_the_sent_audio(
    installation: Installation, world: World, provider: Person
) -> None:
    sent = speech(8_000, 2, 5)
    async with gateway_of(installation, world, provider, form="MP3") as gateway:
        await gateway.stream("mp3", sent.tobytes(), frame_bytes=333)
        recording = await gateway.spooled("mp3")
        heard, rate = soundfile.read(recording.audio_path, dtype="int16")
    assert rate == 16_000
    assert abs(len(heard) / rate - 5) < 0.2
    assert [likeness(sent[:, each], heard[::2, each]) > 0.95 for each in (0, 1)] == [True, True]
    assert recording.metadata.key.endswith(".mp3")


async def test_nothing_is_lost_while_settings_are_looked_up(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    is_full, take = asyncio.Event(), audio_stream.AudioStream.receive

    def taken(*given: Any) -> bool:
        has_room = take(*given)
        if not has_room:
            is_full.set()
        return has_room

    async def slow(*given: Any) -> Any:
        await is_full.wait()
        return await admit(*given)

    monkeypatch.setattr(audio_stream.AudioStream, "receive", taken)
    monkeypatch.setattr(ingest, "admit", slow)
    # More than a stream's buffer holds: the rest waits in the socket.
    sent = speech(48_000, 2, 8)
    assert sent.nbytes > 2 * audio_stream.MAXIMUM_BUFFER_BYTES
    await gateway.stream("slow", sent.tobytes(), frame_bytes=3_840, sampleRate=48_000)
    heard, _ = soundfile.read((await gateway.spooled("slow")).audio_path, dtype="int16")
    assert numpy.array_equal(heard, sent)


@pytest.fixture
def late_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of a call are found after its gateway has closed the connection."""
    has_gone, keeps_close = asyncio.Event(), StreamingProtocol._holds_back

    def noted(*given: Any) -> bool:
        has_gone.set()
        return keeps_close(*given)

    async def slow(*given: Any) -> Any:
        await has_gone.wait()
        return await admit(*given)

    monkeypatch.setattr(StreamingProtocol, "_holds_back", noted)
    monkeypatch.setattr(ingest, "admit", slow)


@pytest.mark.usefixtures("late_settings")
async def test_a_call_that_ends_during_the_lookup_of_settings_is_recorded(gateway: Gateway) -> None:
    await gateway.stream("short", bytes(640 * 3))
    assert (await gateway.spooled("short")).audio_bytes == 44 + 640 * 3


async def test_a_vendor_in_the_path_is_ignored(gateway: Gateway) -> None:
    """Some gateways append the bucket's vendor, which the account configures."""
    async with gateway.opened(path="/record/google") as connection:
        await connection.send(gateway.first_frame("with-vendor"))
        await connection.send(bytes(64_000))
    await gateway.idle()
    assert (await gateway.spooled("with-vendor")).audio_bytes == 44 + 64_000
    assert (await gateway.call("with-vendor")).recording_vendor is BucketVendor.AWS_S3


async def test_audio_is_on_the_disk_before_a_second_has_passed(gateway: Gateway) -> None:
    assert ingest.WRITE_EVERY_SECONDS < 1
    async with gateway.opened() as connection:
        await connection.send(gateway.first_frame("running"))
        await connection.send(bytes(640))
        await gateway.running("running", written=640)
        call = await gateway.call("running")
        assert call.recording_state is RecordingState.RECORDING
        assert gateway.spool.open(call.id) is None  # locked
        (path,) = gateway.installation.settings.spool.glob("*/audio")
        assert path.stat().st_size == 44 + 640


async def test_messages_in_fragments_are_audio_too(gateway: Gateway) -> None:
    async with gateway.opened() as connection:
        await connection.send(gateway.first_frame("fragments"))
        await connection.send(b"\x01\x00" * 10)
        await connection.send([b"\x02\x00" * 10, b"\x03", b"\x00" + b"\x03\x00" * 9])
        await connection.send(b"\x04\x00" * 10)
    await gateway.idle()
    audio = (await gateway.spooled("fragments")).audio_path.read_bytes()[44:]
    assert audio == b"".join(bytes([number, 0]) * 10 for number in (1, 2, 3, 4))


async def test_a_lost_connection_leaves_a_complete_recording(gateway: Gateway) -> None:
    async with gateway.opened() as connection:
        await connection.send(gateway.first_frame("lost"))
        await connection.send(bytes(640))
        await gateway.running("lost", arrived=640)
        connection.transport.abort()
    await gateway.idle()
    recording = await gateway.spooled("lost")
    assert recording.stream_end is not None
    assert soundfile.info(recording.audio_path).frames == 160


async def test_a_server_that_stops_keeps_the_recording(gateway: Gateway) -> None:
    async with gateway.opened() as connection:
        await connection.send(gateway.first_frame("stopped"))
        await connection.send(bytes(640))
        await gateway.running("stopped", arrived=640)
        gateway.server.should_exit = True
        code, _ = await closed(connection)
        assert code == 1012
    await gateway.idle()
    recording = await gateway.spooled("stopped")
    assert recording.stream_end is not None
    assert recording.audio_bytes == 44 + 640


async def test_a_message_that_is_too_long_ends_the_recording_only(gateway: Gateway) -> None:
    async with gateway.opened() as connection:
        await connection.send(gateway.first_frame("long"))
        await connection.send(bytes(640))
        await connection.send(bytes(1_048_577))
        assert (await closed(connection))[0] == 1009
    await gateway.idle()
    assert (await gateway.spooled("long")).audio_bytes == 44 + 640


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (errno.ENOSPC, "the disk of the spool is full: the recording ends here"),
        (errno.EMFILE, "this server has too many open files: the recording ends here"),
        (errno.EIO, "the spool cannot be written: the recording ends here"),
    ],
)
async def test_a_failing_disk_ends_the_recording_with_the_reason(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, code: int, reason: str
) -> None:
    async with gateway.opened() as connection:
        await connection.send(gateway.first_frame("full"))
        await connection.send(bytes(640))
        await gateway.running("full", written=640)

        def full(*_: Any) -> None:
            raise OSError(code, os.strerror(code))

        with monkeypatch.context() as patched:
            patched.setattr(SpooledRecording, "append", full)
            await connection.send(bytes(640))
            assert await closed(connection) == (1011, reason)
    await gateway.idle()
    assert (await gateway.spooled("full")).audio_bytes == 44 + 640


@pytest.mark.parametrize(
    ("code", "why", "reason"),
    [
        (errno.EROFS, "disk", "the spool cannot be written"),
        (errno.ENOSPC, "disk", "the disk of the spool is full"),
        (errno.EMFILE, "files", "this server has too many open files"),
        (errno.ENFILE, "files", "this server has too many open files"),
    ],
)
async def test_a_failing_spool_leaves_no_call_in_state_recording(
    gateway: Gateway, admin: Person, monkeypatch: pytest.MonkeyPatch, code: int, why: str, reason: str
) -> None:
    def broken(*_: Any) -> None:
        raise OSError(code, os.strerror(code))

    before = await refusals(admin, why)
    with monkeypatch.context() as patched:
        patched.setattr(SpooledRecording, "append", broken)
        assert await gateway.refused(gateway.first_frame("a")) == (1013, f"{reason}: retry later or on another server")
    assert await refusals(admin, why) == before + 1
    await gateway.stream("a", bytes(640))
    assert (await gateway.spooled("a")).audio_bytes == 44 + 640
    assert len(gateway.spool.call_ids()) == 1


async def test_a_recording_whose_commit_was_lost_continues(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    begin: Any = lifecycle.begin

    async def committed_and_gone(*given: Any) -> None:
        async def before_commit(*told: Any) -> None:
            await given[-1](*told)
            raise ConnectionResetError

        await begin(*given[:-1], before_commit)

    with monkeypatch.context() as patched:
        patched.setattr(lifecycle, "begin", committed_and_gone)
        await gateway.stream("a", bytes(640))
    (left,) = gateway.spool.call_ids()
    free = gateway.spool.open(left)
    assert free is not None
    assert (free.audio_bytes, free.stream_end is not None) == (44 + 640, True)


async def test_open_streams_are_ended_when_the_process_stops(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, opened = gateway.installation.settings, gateway.installation.resources
    mine = ingest.RecordingIngest(settings, opened.keyring, gateway.spool, LiveEvents())
    own = parse_sid(Kind.ACCOUNT, gateway.account)
    assert own is not None
    write, is_writing, goes_on = audio_stream.AudioStream.write, threading.Event(), threading.Event()

    def slow(*given: Any) -> Exception | None:
        is_writing.set()
        goes_on.wait()
        return write(*given)

    async def while_it_ends() -> None:
        await until(lambda: mine._is_ending)
        for _ in range(10):
            await finish_work(mine._ending)
        goes_on.set()

    monkeypatch.setattr(audio_stream.AudioStream, "write", slow)
    async with gateway.installation.database():
        stream = mine.stream(FirstFrame("left", own))
        going_on = asyncio.create_task(while_it_ends())
        async with mine.running():
            viewer = Viewer(Scope.ADMIN, LEVELS[AccessLevel.GATEWAY])
            with mine.slot(viewer) as slot:
                await mine.begin(viewer, slot, stream)
            for number in range(50):
                stream.receive(bytes([number, 0]) * 16_000)
                if number == 10:
                    await until(is_writing.is_set)
        await going_on
    recording = await gateway.spooled("left")
    assert recording.stream_end is not None
    assert recording.read(44, 2_000_000) == b"".join(bytes([number, 0]) * 16_000 for number in range(50))


async def test_without_the_database_unknown_accounts_are_refused_and_running_calls_continue(
    gateway: Gateway, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: Any) -> None:
        raise ConnectionRefusedError

    async with gateway.opened() as connection:
        await connection.send(gateway.first_frame("a"))
        await connection.send(bytes(640))
        await gateway.running("a", arrived=640)
        monkeypatch.setattr(ingest, "admit", away)
        monkeypatch.setattr(lifecycle, "mark_storing", away)
        refused = await gateway.refused(gateway.first_frame("b", accountSid=world["sibling"]))
        assert refused == (1013, "the database does not answer: try again later")
    await gateway.idle()
    recording = await gateway.spooled("a")
    assert recording.stream_end is not None
    assert recording.audio_bytes == 44 + 640


async def test_a_recording_is_handed_over_even_if_its_row_cannot_be_updated(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: Any) -> None:
        raise OperationalError("database or disk is full")

    monkeypatch.setattr(lifecycle, "mark_storing", full)
    await gateway.stream("a", bytes(640))
    assert (await gateway.spooled("a")).audio_bytes == 44 + 640


async def test_recording_continues_when_the_machine_has_no_more_threads(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start

    def none_left(thread: threading.Thread) -> None:
        if thread.name.startswith("ingest"):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", none_left)
    await asyncio.gather(*(gateway.stream(f"call-{number}", bytes(64_000)) for number in range(4)))
    found = [(await gateway.spooled(f"call-{number}")).audio_bytes for number in range(4)]
    assert found == [44 + 64_000] * 4


async def test_writing_continues_after_a_failed_cycle(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    async with gateway.opened() as connection:
        await connection.send(gateway.first_frame("a"))
        failed = asyncio.Event()

        def fails(_: ingest.RecordingIngest) -> None:
            failed.set()
            raise ZeroDivisionError

        with monkeypatch.context() as patched:
            patched.setattr(ingest.RecordingIngest, "_end_over_quota", fails)
            await connection.send(bytes(640))
            await failed.wait()
        await connection.send(bytes(640))
        await gateway.running("a", written=2 * 640)
        (path,) = gateway.installation.settings.spool.glob("*/audio")
        assert path.stat().st_size == 44 + 2 * 640


async def test_writing_does_not_wait_for_the_spool_to_be_measured(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_measuring, is_measured = threading.Event(), threading.Event()

    def measure(_: Spool) -> None:
        is_measuring.set()
        is_measured.wait()

    monkeypatch.setattr(ingest, "_MEASURE_EVERY_SECONDS", 0.0)
    monkeypatch.setattr(Spool, "measure", measure)
    try:
        settings, opened = gateway.installation.settings, gateway.installation.resources
        mine = ingest.RecordingIngest(settings, opened.keyring, gateway.spool, LiveEvents())
        own = parse_sid(Kind.ACCOUNT, gateway.account)
        assert own is not None
        async with gateway.installation.database(), mine.running():
            stream = mine.stream(FirstFrame("a", own))
            viewer = Viewer(Scope.ADMIN, LEVELS[AccessLevel.GATEWAY])
            with mine.slot(viewer) as slot:
                await mine.begin(viewer, slot, stream)
            await until(is_measuring.is_set)
            stream.receive(bytes(640))
            await until(lambda: stream.samples == 160)
            is_measured.set()
    finally:
        is_measured.set()


@pytest.mark.usefixtures("late_settings")
async def test_a_client_that_leaves_before_its_refusal_is_no_server_error(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[bytes] = []
    monkeypatch.setattr(RequestLog, "lines", SimpleNamespace(info=written.append))
    async with gateway.opened() as connection:
        await connection.send(gateway.first_frame("a", accountSid="AC" + "0" * 32))
    await gateway.idle()
    (line,) = (json.loads(line) for line in written)
    assert (line["close_code"], line.get("error")) == (4404, None)


async def test_each_stream_is_one_line_of_the_log(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[bytes] = []
    monkeypatch.setattr(RequestLog, "lines", SimpleNamespace(info=written.append))
    await gateway.stream("logged", bytes(32_000))
    await gateway.refused(gateway.first_frame("logged"))
    await gateway.idle()
    whole, refused = (json.loads(line) for line in written)
    assert (whole["path"], whole["status"], whole["close_code"], whole["audio_seconds"]) == ("/record", 101, 1000, 1.0)
    assert (refused["close_code"], refused["close_reason"]) == (
        4409,
        "the call is being recorded or was recorded before",
    )
    assert whole["request_id"] != refused["request_id"]


# Who may stream, and what.


@pytest.mark.parametrize("pair", ["gateway:{}", "{}:", "{}:x", ":{}"])
async def test_basic_credentials_carry_the_key_as_user_or_password(gateway: Gateway, pair: str) -> None:
    basic = base64.b64encode(pair.format(gateway.key).encode()).decode()
    async with gateway.opened(additional_headers={"Authorization": f"Basic {basic}"}) as connection:
        assert connection.subprotocol == "audio.jambonz.org"


@pytest.mark.parametrize("header", [None, "Basic !", "Basic YTpi", "Bearer vgk_no", "Digest a"])
async def test_streaming_requires_a_key(gateway: Gateway, header: str | None) -> None:
    headers = {"Authorization": header} if header else {}
    with pytest.raises(InvalidStatus) as refused:
        async with gateway.opened(additional_headers=headers):
            pass
    assert refused.value.response.status_code == 401
    assert b'"code":"UNAUTHENTICATED"' in (refused.value.response.body or b"")


@pytest.mark.parametrize("person", ["admin", "account_user", "read_only"])
async def test_streaming_requires_a_gateway_key(gateway: Gateway, world: World, person: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with gateway.opened(key=world.tokens[person]):
            pass
    assert refused.value.response.status_code == 403
    assert b'"requiredPermissions":["ACT_AS_GATEWAY"]' in (refused.value.response.body or b"")


async def test_the_sub_protocol_is_required(gateway: Gateway) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with gateway.opened(subprotocols=None):
            pass
    assert refused.value.response.status_code == 400


async def test_streams_for_accounts_of_other_tenants_are_refused_as_not_found(gateway: Gateway, world: World) -> None:
    unknown = "AC" + "0" * 32
    answers = [await gateway.refused(gateway.first_frame("a", accountSid=one)) for one in (world["foreign"], unknown)]
    assert answers == [(4404, "accountSid: there is no such account")] * 2
    foreign = gateway.first_frame("a", applicationSid=world["sibling_application"])
    unknown = gateway.first_frame("a", applicationSid="AP" + "0" * 32)
    answers = [await gateway.refused(one) for one in (foreign, unknown)]
    assert answers == [(4404, "applicationSid: there is no such application")] * 2


async def test_calls_that_are_not_to_be_recorded_are_refused_with_the_reason(
    installation: Installation, world: World, provider: Person
) -> None:
    async with gateway_of(installation, world, provider, records_all=False) as gateway:
        code, reason = await gateway.refused(gateway.first_frame("a", applicationSid=world["own_application"]))
        assert (code, reason.partition(":")[0]) == (4406, "Calls are not recorded")
        change = {"id": world["own_application"], "recordAllCalls": True}
        assert (await provider.change("updateApplication", "application { id }", **change))["userErrors"] == []
        await gateway.stream("a", bytes(640), applicationSid=world["own_application"])
        assert (await gateway.call("a")).application_id == parse_sid(Kind.APPLICATION, world["own_application"])
        off = {"accountId": world["own"], "enabled": False}
        await provider.change("updateRecordingConfig", "recordingConfig { id }", **off)
        code, reason = await gateway.refused(gateway.first_frame("b", applicationSid=world["own_application"]))
        assert (code, reason) == (4406, "Calls are not recorded: enable the account's recording configuration.")


async def test_a_suspended_account_is_not_recorded(gateway: Gateway, world: World, provider: Person) -> None:
    change = {"id": world["own"], "active": False}
    assert (await provider.change("setAccountActive", "account { id }", **change))["userErrors"] == []
    assert await gateway.refused(gateway.first_frame("a")) == (
        4423,
        "the account is suspended: its calls are not recorded",
    )


@pytest.mark.parametrize("change", ["setAccountActive", "setServiceProviderActive"])
async def test_running_calls_of_a_suspended_account_end_within_5_s_and_are_kept(
    gateway: Gateway, world: World, admin: Person, change: str
) -> None:
    who, of_it = ("own", "account") if change == "setAccountActive" else ("provider", "serviceProvider")
    async with gateway.opened() as connection:
        await connection.send(gateway.first_frame("a"))
        await connection.send(bytes(640))
        await gateway.running("a", arrived=640)
        made = await admin.change(change, f"{of_it} {{ id }}", id=world[who], active=False)
        assert made["userErrors"] == []
        await pass_seconds(4.9)
        async with asyncio.timeout(3):  # before the next check
            assert await closed(connection) == (4423, "the account is suspended: its calls are not recorded")
    await gateway.idle()
    recording = await gateway.spooled("a")
    assert recording.stream_end is not None
    assert recording.audio_bytes == 44 + 640


async def test_running_calls_of_a_deleted_account_end_within_5_s(gateway: Gateway, world: World, admin: Person) -> None:
    async with gateway.opened() as connection:
        await connection.send(gateway.first_frame("a"))
        await connection.send(bytes(640))
        await gateway.running("a", arrived=640)
        made = await admin.change("deleteAccount", "deletedId", id=world["own"], force=True)
        assert made["userErrors"] == []
        await pass_seconds(4.9)
        async with asyncio.timeout(3):  # before the next check
            assert await closed(connection) == (4404, "accountSid: there is no such account")


async def test_a_suspension_ends_no_calls_of_other_accounts_and_none_during_a_database_outage(
    gateway: Gateway, world: World, provider: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, find_closed = 0, refusals_of_closed_accounts

    async def looked(*given: Any) -> Any:
        nonlocal looks
        looks += 1
        return await find_closed(*given)

    async def away(_: Any) -> None:
        nonlocal looks
        looks += 1
        raise ConnectionRefusedError

    async def next_check() -> None:
        before = looks
        await pass_seconds(ingest.CHECK_ACCOUNTS_EVERY_SECONDS)
        await until(lambda: looks > before)

    monkeypatch.setattr(ingest, "refusals_of_closed_accounts", looked)
    other = {"id": world["sibling"], "active": False}
    assert (await provider.change("setAccountActive", "account { id }", **other))["userErrors"] == []
    async with gateway.opened() as connection:
        await connection.send(gateway.first_frame("a"))
        await connection.send(bytes(640))
        await gateway.running("a", arrived=640)
        await next_check()
        await next_check()  # so that the first check has finished
        with monkeypatch.context() as patched:
            patched.setattr(ingest, "refusals_of_closed_accounts", away)
            own = {"id": world["own"], "active": False}
            assert (await provider.change("setAccountActive", "account { id }", **own))["userErrors"] == []
            await next_check()
            await connection.send(bytes(640))
            await gateway.running("a", written=2 * 640)
            assert connection.protocol.close_rcvd is None
        await next_check()
        assert (await closed(connection))[0] == 4423
    await gateway.idle()
    assert (await gateway.spooled("a")).audio_bytes == 44 + 2 * 640


async def test_a_call_is_recorded_once(gateway: Gateway) -> None:
    async with gateway.opened() as connection:
        await connection.send(gateway.first_frame("once"))
        await connection.send(bytes(640))
        await gateway.running("once")
        again = await gateway.refused(gateway.first_frame("once"))
        await connection.send(bytes(640))
    await gateway.idle()
    assert again == (4409, "the call is being recorded or was recorded before")
    assert await gateway.refused(gateway.first_frame("once")) == again
    assert (await gateway.spooled("once")).audio_bytes == 44 + 1280


async def test_a_call_with_audio_in_the_spool_is_not_recorded_twice_after_a_data_loss(
    gateway: Gateway,
) -> None:
    await gateway.stream("a", bytes(640))
    places = {f"recording_{name}": None for name in ("key", "bucket", "region", "vendor", "format", "credential_id")}
    async with gateway.installation.database():
        await Call.all().update(recording_state=RecordingState.NONE, **places)
    assert (await gateway.refused(gateway.first_frame("a")))[0] == 4409


async def test_revoking_a_key_ends_no_running_call(gateway: Gateway, provider: Person) -> None:
    async with gateway.opened() as connection:
        await connection.send(gateway.first_frame("on"))
        answer = await provider.ask("{ viewer { serviceProvider { apiKeys { nodes { id name } } } } }")
        nodes = answer.only("viewer")["serviceProvider"]["apiKeys"]["nodes"]
        (key,) = [one["id"] for one in nodes if one["name"] == "gateway"]
        assert (await provider.change("revokeApiKey", "apiKey { id }", id=key))["userErrors"] == []
        await connection.send(bytes(640))
    await gateway.idle()
    assert (await gateway.spooled("on")).audio_bytes == 44 + 640


@pytest.mark.settings(recording_streams=1)
async def test_calls_beyond_the_limit_are_refused_with_try_again_later(gateway: Gateway) -> None:
    async with gateway.opened() as connection:
        await connection.send(gateway.first_frame("a"))
        assert (await gateway.refused())[0] == 1013
    await gateway.idle()
    await gateway.stream("b", bytes(640))
    assert (await gateway.spooled("b")).audio_bytes == 44 + 640


async def test_a_call_whose_storage_keys_cannot_be_decrypted_is_refused_and_counted(
    gateway: Gateway, admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[dict[str, Any]] = []
    monkeypatch.setattr(ingest, "_log", SimpleNamespace(error=lambda _, **more: said.append(more)))
    keyring = gateway.installation.resources.keyring
    monkeypatch.setattr(keyring, "_ciphers", Keyring({"other": b"o" * 32}, b"h" * 32)._ciphers)
    before = await refusals(admin, "keys")
    assert await gateway.refused(gateway.first_frame("a")) == (
        1013,
        "this server cannot decrypt the account's storage keys (ENCRYPTION_KEYS): retry later or on another server",
    )
    assert await refusals(admin, "keys") == before + 1
    assert [(one["why"], one["error"], one["reason"]) for one in said] == [
        ("keys", "KeyMissing", "sealed with key 'test', which the keyring does not have")
    ]


async def refusals(admin: Person, why: str) -> float:
    return number((await metrics(admin)).text, f'vga_recording_rejections_total{{reason="{why}"}}')


async def handshake(gateway: Gateway, key: str | None, *protocols: str) -> int:
    """The HTTP status of a refused handshake."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    asked: dict[str, Any] = {
        "additional_headers": headers,
        "subprotocols": [Subprotocol(name) for name in protocols] or None,
    }
    with pytest.raises(InvalidStatus) as refused:
        async with gateway.opened(**asked):
            pass
    return int(refused.value.response.status_code)


AUDIO = "audio.jambonz.org"


async def test_a_gateways_key_records_from_its_networks_alone(gateway: Gateway, admin: Person) -> None:
    async def key(*networks: str) -> str:
        given = {"name": "Gateway", "accessLevel": "GATEWAY", "allowedNetworks": networks}
        token: str = (await admin.change("createApiKey", "token", **given))["token"]
        return token

    assert await handshake(gateway, await key("192.0.2.0/24"), AUDIO) == 401
    async with gateway.opened(await key("127.0.0.0/8")) as connection:
        assert connection.subprotocol == AUDIO


async def test_a_call_refused_at_the_handshake_is_counted_with_its_reason(gateway: Gateway, admin: Person) -> None:
    for key, protocol, status, why in (
        (None, AUDIO, 401, "unauthenticated"),
        ("vgk_mistyped", AUDIO, 401, "unauthenticated"),
        (admin.token, AUDIO, 403, "forbidden"),
        (gateway.key, "video.example.com", 400, "protocol"),
    ):
        before = await refusals(admin, why)
        assert await handshake(gateway, key, protocol) == status
        assert await refusals(admin, why) == before + 1


@pytest.mark.settings(database_timeout_seconds=1)
async def test_a_call_refused_during_a_database_outage_is_counted(gateway: Gateway, admin: Person) -> None:
    before = await refusals(admin, "database")
    other = await orm.single_connection(gateway.installation.settings)
    async with other.transaction():
        await other.execute("LOCK TABLE api_keys IN ACCESS EXCLUSIVE MODE")
        assert await handshake(gateway, gateway.key, AUDIO) == 503
    await other.close()
    assert await refusals(admin, "database") == before + 1


async def test_a_call_refused_by_an_internal_error_is_counted(gateway: Gateway, admin: Person) -> None:
    before = await refusals(admin, "error")
    async with gateway.installation.database() as connection:
        await connection.execute_query("ALTER TABLE recording_configs RENAME TO gone")
    assert (await gateway.refused(gateway.first_frame("a")))[0] == 1011
    assert await refusals(admin, "error") == before + 1


def fill(gateway: Gateway, account: str, megabytes: float, provider: str | None = None) -> None:
    """Another process of the machine has put this much of the account into the spool."""
    provider_id = parse_sid(Kind.SERVICE_PROVIDER, provider) if provider else None
    told = replace(metadata(), account_id=UUID(uuid_of(account)), service_provider_id=provider_id)
    recording = Spool(gateway.installation.settings.spool, 10**12).create(told)
    recording.append(bytes(int(megabytes * 1_000_000)))
    recording.close()
    gateway.spool.measure()


@pytest.mark.settings(spool_megabytes=1)
async def test_a_full_spool_refuses_new_calls_and_ends_none(gateway: Gateway, world: World, admin: Person) -> None:
    before = await refusals(admin, "spool")
    async with gateway.opened() as connection:
        await connection.send(gateway.first_frame("a"))
        await connection.send(bytes(640))
        fill(gateway, world["sibling"], 1.05)
        await connection.send(bytes(640))
        await gateway.running("a", written=2 * 640)
        assert (await gateway.refused())[0] == 1013
        await connection.send(bytes(640))
    await gateway.idle()
    assert (await gateway.spooled("a")).audio_bytes == 44 + 3 * 640
    assert await refusals(admin, "spool") == before + 1


@pytest.mark.settings(spool_megabytes=1)
async def test_an_account_that_has_filled_its_quarter_of_the_spool_does_not_block_others(
    gateway: Gateway, world: World, provider: Person
) -> None:
    wanted = {"accountId": world["sibling"], "recordAllCalls": True, "audioFormat": "WAV"}
    assert (await provider.change("updateRecordingConfig", "recordingConfig { id }", **wanted))["userErrors"] == []
    fill(gateway, world["own"], 0.26)
    assert await gateway.refused(gateway.first_frame("mine")) == (
        1013,
        "the account has used its share of the spool: retry later or on another server",
    )
    await gateway.stream("other", bytes(640), accountSid=world["sibling"])
    assert (await gateway.spooled("other")).audio_bytes == 44 + 640


@pytest.mark.settings(spool_megabytes=1)
async def test_a_call_that_outgrows_its_accounts_quarter_of_the_spool_is_ended_and_kept(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    alarms: list[dict[str, Any]] = []
    monkeypatch.setattr(ingest, "_log", SimpleNamespace(error=lambda _, **told: alarms.append(told)))
    async with gateway.opened() as connection:
        await connection.send(gateway.first_frame("a"))
        await connection.send(bytes(300_000))
        assert await closed(connection) == (
            1013,
            "the account has used its share of the spool: retry later or on another server",
        )
    await gateway.idle()
    recording = await gateway.spooled("a")
    assert recording.stream_end is not None
    assert recording.audio_bytes == 44 + 300_000
    assert [(alarm["why"], alarm["account"]) for alarm in alarms] == [("spool", gateway.account)]


@pytest.mark.settings(spool_megabytes=1)
async def test_a_spool_that_is_a_tenth_beyond_its_limit_ends_all_calls_in_order(gateway: Gateway, world: World) -> None:
    async with gateway.opened() as connection:
        await connection.send(gateway.first_frame("a"))
        await connection.send(bytes(640))
        await gateway.running("a", written=640)
        fill(gateway, world["sibling"], 1.2)
        await pass_seconds(ingest._MEASURE_EVERY_SECONDS)
        assert await closed(connection) == (1013, "the spool is overfull: the recording ends here")
    await gateway.idle()
    recording = await gateway.spooled("a")
    assert recording.stream_end is not None
    assert recording.audio_bytes == 44 + 640


async def test_a_client_that_sends_no_first_frame_is_closed(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.recording import routes

    monkeypatch.setattr(routes, "FIRST_FRAME_SECONDS", 0.1)
    assert await gateway.refused() == (4408, "no first frame came within 0.1 s")


async def test_audio_before_the_first_frame_is_refused(gateway: Gateway) -> None:
    code, reason = await gateway.refused(bytes(640))
    assert (code, reason) == (4400, "the first frame must be a JSON text about the call; audio follows it")


async def test_a_stream_that_is_idle_stays_open(gateway: Gateway) -> None:
    from app.server.transport import http

    async with gateway.opened() as connection:
        await connection.send(gateway.first_frame("hold"))
        await gateway.running("hold")
        await pass_seconds(http.HEAD_SECONDS + 1)
        await connection.send(bytes(640))
    await gateway.idle()
    assert (await gateway.spooled("hold")).audio_bytes == 44 + 640


@pytest.mark.settings(spool_megabytes=1)
async def test_accounts_that_fill_their_providers_share_of_the_spool_do_not_block_other_providers(
    gateway: Gateway, world: World, admin: Person
) -> None:
    wanted = {"accountId": world["foreign"], "recordAllCalls": True, "audioFormat": "WAV"}
    assert (await admin.change("updateRecordingConfig", "recordingConfig { id }", **wanted))["userErrors"] == []
    made = await admin.change("createApiKey", "token", name="gateway of all", accessLevel="GATEWAY")
    async with gateway.opened() as connection:
        await connection.send(gateway.first_frame("running"))
        await connection.send(bytes(640))
        fill(gateway, world["sibling"], 0.76, world["provider"])
        await connection.send(bytes(640))
        assert await closed(connection) == (1013, PROVIDERS_SHARE_FULL)
    assert await gateway.refused(gateway.first_frame("mine")) == (1013, PROVIDERS_SHARE_FULL)
    async with gateway.opened(made["token"]) as connection:
        await connection.send(gateway.first_frame("foreign", accountSid=world["foreign"]))
        await connection.send(bytes(640))
    await gateway.idle()
    assert (await gateway.spooled("foreign")).audio_bytes == 44 + 640


PROVIDERS_SHARE_FULL = "the service provider has used its share of the spool: retry later or on another server"
