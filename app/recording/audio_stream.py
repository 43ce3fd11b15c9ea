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
"""Of one stream; beyond, it is not read on. Two and a half seconds of the richest audio, sixteen of the poorest."""
_MINIMUM_AUDIO_SECONDS = 1.0
_log = structlog.get_logger("recording.ingest")


class AudioStream:
    """The audio of one call."""

    def __init__(self, first: FirstFrame, is_full: Callable[[], None]) -> None:
        """`is_full` is called when there is no room for more."""
        self.first = first
        self.samples = 0
        """Of each channel, so far."""
        self.is_cut = False
        """Audio came that could not be written."""
        self.recording: SpooledRecording | None = None
        self.new_encoder: Encoder | None = None
        self.failure: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
        """Done when no more audio is written; Refused, when it could be and may not."""
        self.touched_at = time.monotonic()
        """When the call's row was written last."""
        self.on_room: Callable[[], None] | None = None
        """To be called when there is room again, if it was told that there is none."""
        self.creating: asyncio.Future[SpooledRecording] | None = None
        """Its place in the spool, once that is being made."""
        self.database_may_begin = True
        """Whether the database may still begin it."""
        self.ending: asyncio.Task[Exception | None] | None = None
        self.handover: asyncio.Task[None] | None = None
        self._buffer = bytearray()
        self._has_received = False
        self._on_full = is_full
        self._cycle_at = time.monotonic()

    def receive(self, data: bytes) -> bool:
        """More audio; false when there is no room for more after it. A sample may be cut in two between calls."""
        self._buffer += data
        self._has_received |= bool(data)
        if len(self._buffer) < MAXIMUM_BUFFER_BYTES:
            return True
        self._on_full()
        return False

    def end_if_silent(self, refused: Refused) -> None:
        """Ends a stream that has sent no audio at all; one whose call is on hold goes on."""
        if not self._has_received and not self.failure.done():
            self.failure.set_result(refused)

    @property
    def has_audio(self) -> bool:
        return len(self._buffer) >= self.first.frame_bytes and not self.failure.done()

    @property
    def is_unwritable(self) -> bool:
        """Not even what was taken before the stream was ended."""
        return self.failure.done() and not isinstance(self.failure.result(), Refused)

    @property
    def is_full(self) -> bool:
        return len(self._buffer) >= MAXIMUM_BUFFER_BYTES

    def next_audio(self) -> bytes:
        """Whole samples of all channels, taken out of the buffer: as many as the stream may have written now.

        For the event loop's thread.
        """
        now = time.monotonic()
        seconds, self._cycle_at = max(now - self._cycle_at, _MINIMUM_AUDIO_SECONDS), now
        return self._pop_audio(int(seconds * self.first.sample_rate))

    def remaining_audio(self) -> bytes:
        """All that is left, likewise."""
        return self._pop_audio(len(self._buffer))

    def _pop_audio(self, samples: int) -> bytes:
        was_full, size = self.is_full, self.first.frame_bytes
        whole = min(len(self._buffer) // size, samples) * size
        with memoryview(self._buffer) as waiting:
            audio = waiting[:whole].tobytes()
        del self._buffer[:whole]  # moves nothing
        if was_full and not self.is_full and self.on_room is not None:
            self.on_room()
        return audio

    def write(self, audio: bytes) -> Exception | None:
        """Encodes and writes: for another thread. Answers what went wrong."""
        if self.new_encoder is None or self.recording is None:
            raise RuntimeError("the stream has not been begun")
        try:
            encoded = self.new_encoder.encode(audio)
            if encoded:
                self.recording.append(encoded)
        except Exception as error:  # noqa: BLE001  the disk, or the encoder: one stream must not end the others
            self.is_cut = True
            return error
        self.samples += len(audio) // self.first.frame_bytes
        return None


Failure = tuple[AudioStream, Exception]


def write_streams(work: list[tuple[AudioStream, bytes]]) -> list[Failure]:
    """For a thread."""
    return [(stream, error) for stream, audio in work if (error := stream.write(audio)) is not None]


def finish_stream(stream: AudioStream, audio: bytes) -> tuple[SpooledRecording, Exception | None]:
    """For a thread. What cannot be written is logged and answered, and the recording ends before it."""
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
    """For the log: an operating system's words and the keyring's have no values in them, others' may."""
    words = error.strerror if isinstance(error, OSError) else str(error) if isinstance(error, CannotOpen) else None
    reason = {"reason": words} if words else {}
    return {"error": type(error).__name__, **reason} if error else {}
