"""The audio of one call between the WebSocket and the spool: a bounded buffer, the encoder, and the end of the file."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from app.foundation.encryption import CannotOpen
from app.recording.audio import Encoder
from app.recording.metadata import StreamEnd
from app.recording.spool import SpooledRecording
from app.recording.stream import FirstFrame, Refused

MAXIMUM_BUFFER_BYTES = 524_288
"""Per stream; a stream with a full buffer is not read. Holds 2.5 s of audio at the highest rate, 16 s at the lowest."""
_MINIMUM_AUDIO_SECONDS = 1.0
_log = structlog.get_logger("recording.ingest")


class AudioStream:
    """The audio of one call."""

    def __init__(self, first: FirstFrame, is_full: Callable[[], None]) -> None:
        """`is_full` is called when the buffer is full."""
        self.first = first
        self.samples = 0
        """Written so far, per channel."""
        self.is_cut = False
        """Some audio could not be written."""
        self.recording: SpooledRecording | None = None
        self.new_encoder: Encoder | None = None
        self.failure: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
        """Set when no more audio is written: to Refused when the stream must end, to another exception when writing failed."""
        self.touched_at = time.monotonic()
        """When the call's row was last updated, by the monotonic clock."""
        self.on_room: Callable[[], None] | None = None
        """Called when there is room again after the buffer was full."""
        self.creating: asyncio.Future[SpooledRecording] | None = None
        """Its files in the spool, once creation has started."""
        self.database_may_begin = True
        """Whether a beginning by the database may still create the recording."""
        self.ending: asyncio.Task[Exception | None] | None = None
        self.handover: asyncio.Task[None] | None = None
        self._buffer = bytearray()
        self._has_received = False
        self._on_full = is_full
        self._cycle_at = time.monotonic()

    def receive(self, data: bytes) -> bool:
        """Adds audio to the buffer; returns False when the buffer is full. Calls may split a sample."""
        self._buffer += data
        self._has_received |= bool(data)
        if len(self._buffer) < MAXIMUM_BUFFER_BYTES:
            return True
        self._on_full()
        return False

    def end_if_silent(self, refused: Refused) -> None:
        """Ends a stream that has not sent any audio. A call on hold, which sent some before, continues."""
        if not self._has_received and not self.failure.done():
            self.failure.set_result(refused)

    @property
    def has_audio(self) -> bool:
        return len(self._buffer) >= self.first.frame_bytes and not self.failure.done()

    @property
    def is_unwritable(self) -> bool:
        """Whether even the audio received before the stream ended cannot be written."""
        return self.failure.done() and not isinstance(self.failure.result(), Refused)

    @property
    def is_full(self) -> bool:
        return len(self._buffer) >= MAXIMUM_BUFFER_BYTES

    def next_audio(self) -> bytes:
        """Takes whole samples of all channels from the buffer: as many as may be written in this cycle.

        Call from the event loop's thread.
        """
        now = time.monotonic()
        seconds, self._cycle_at = max(now - self._cycle_at, _MINIMUM_AUDIO_SECONDS), now
        return self._pop_audio(int(seconds * self.first.sample_rate))

    def remaining_audio(self) -> bytes:
        """Takes all whole samples that are left. Call from the event loop's thread."""
        return self._pop_audio(len(self._buffer))

    def _pop_audio(self, samples: int) -> bytes:
        was_full, size = self.is_full, self.first.frame_bytes
        whole = min(len(self._buffer) // size, samples) * size
        with memoryview(self._buffer) as waiting:
            audio = waiting[:whole].tobytes()
        del self._buffer[:whole]  # does not copy the rest
        if was_full and not self.is_full and self.on_room is not None:
            self.on_room()
        return audio

    def write(self, audio: bytes) -> Exception | None:
        """Encodes and writes, in a worker thread. Returns the error, if any."""
        if self.new_encoder is None or self.recording is None:
            raise RuntimeError("the stream has not been begun")
        try:
            encoded = self.new_encoder.encode(audio)
            if encoded:
                self.recording.append(encoded)
        except Exception as error:  # noqa: BLE001  an error of the disk or the encoder must not end other streams
            self.is_cut = True
            return error
        self.samples += len(audio) // self.first.frame_bytes
        return None


Failure = tuple[AudioStream, Exception]


def write_streams(work: list[tuple[AudioStream, bytes]]) -> list[Failure]:
    """Runs in a worker thread."""
    return [(stream, error) for stream, audio in work if (error := stream.write(audio)) is not None]


def finish_stream(stream: AudioStream, audio: bytes) -> tuple[SpooledRecording, Exception | None]:
    """Runs in a worker thread. Logs and returns an error; the recording then ends before the audio that failed."""
    recording = stream.recording
    if recording is None or stream.new_encoder is None:
        raise RuntimeError("the stream has not been begun")
    error = None if stream.is_unwritable or not audio else stream.write(audio)
    try:
        recording.append(stream.new_encoder.end())
        recording.overwrite(0, stream.new_encoder.header(recording.audio_bytes))
        duration_ms = stream.samples * 1_000 // stream.first.sample_rate
        recording.finish(StreamEnd(datetime.now(UTC), duration_ms, stream.samples, stream.is_cut))
    except Exception as failure:  # noqa: BLE001  as in `write`
        error = error or failure
    if error is not None:
        _log.error("the end of a recording was lost", call_id=recording.metadata.call_id.hex, **error_fields(error))
    return recording, error


def error_fields(error: BaseException | None) -> dict[str, str]:
    """Log fields. Messages of the operating system and of the keyring hold no values; other messages may."""
    words = error.strerror if isinstance(error, OSError) else str(error) if isinstance(error, CannotOpen) else None
    reason = {"reason": words} if words else {}
    return {"error": type(error).__name__, **reason} if error else {}
