"""Encoders from 16-bit PCM to the stored formats: WAV, or MP3 at 128 kbit/s.

PCM is little-endian and, with two channels, interleaved (the caller first). An encoder takes whole samples of all
channels; `end` is called once, and last.

MP3 uses LAME through lameenc 1.9.0, which releases the interpreter lock while it encodes, so threads encode in
parallel with the event loop. At 8 kHz there is only MPEG 2.5, whose layer III ends at 64 kbit/s, and LAME silently
stays below that. Such audio is encoded as MPEG 2 at 16 kHz, which supports 128 kbit/s. An encoder takes about 250 kB
from its first audio on.
"""

import struct
from datetime import timedelta
from typing import Protocol

import lameenc

from app.storage.model import AudioFormat

SAMPLE_RATES = (8_000, 16_000, 24_000, 48_000)
"""In Hz."""
SAMPLE_BYTES = 2
WAV_HEADER_BYTES = 44
_MP3_BITS_A_SECOND = 128_000
# LAME's fifth of ten quality levels: a third of the best level's time for speech, without an audible difference at
# 128 kbit/s.
_MP3_QUALITY = 5
# lameenc reserves 1.25 bytes per sample plus 7200 and fails beyond; at 8 kHz there are two bytes per sample.
_MP3_SAMPLES_AT_ONCE = 8_000
_UNKNOWN = 0xFFFF_FFFF


class Encoder(Protocol):
    """Encodes audio to the bytes of a file, piece by piece."""

    def begin(self) -> bytes:
        """The beginning of the file."""
        ...

    def encode(self, pcm: bytes) -> bytes | bytearray:
        """The next bytes of the file; may be empty. CPU-bound: call it in a thread."""
        ...

    def end(self) -> bytes | bytearray:
        """The last bytes of the file."""
        ...

    def header(self, file_bytes: int) -> bytes:
        """The final header, which replaces `begin` once the file's length is known."""
        ...


def new_encoder(form: AudioFormat, sample_rate: int, channels: int) -> Encoder:
    return Wav(sample_rate, channels) if form is AudioFormat.WAV else Mp3(sample_rate, channels)


class Wav:
    """Plain samples after a header of 44 bytes, whose sizes are unknown (all ones) until the end."""

    def __init__(self, sample_rate: int, channels: int) -> None:
        self._sample_rate = sample_rate
        self._channels = channels

    def begin(self) -> bytes:
        return self._header(_UNKNOWN, _UNKNOWN)

    def encode(self, pcm: bytes) -> bytes:
        return pcm

    def end(self) -> bytes:
        return b""

    def header(self, file_bytes: int) -> bytes:
        """Beyond 4 GiB (six hours at 48 kHz) the sizes stay unknown: players then read to the end of the file."""
        return self._header(min(file_bytes - 8, _UNKNOWN), min(file_bytes - WAV_HEADER_BYTES, _UNKNOWN))

    def _header(self, riff_bytes: int, data_bytes: int) -> bytes:
        frame = self._channels * SAMPLE_BYTES
        return struct.pack(
            "<4sI4s4sIHHIIHH4sI",
            *(b"RIFF", riff_bytes, b"WAVE", b"fmt ", 16, 1, self._channels, self._sample_rate),
            *(self._sample_rate * frame, frame, 8 * SAMPLE_BYTES, b"data", data_bytes),
        )


class Mp3:
    """Constant 128 kbit/s, so that the file's length gives its duration."""

    def __init__(self, sample_rate: int, channels: int) -> None:
        self._sample_rate = sample_rate
        self._channels = channels
        self._lame: lameenc.Encoder | None = None

    def begin(self) -> bytes:
        return b""

    def encode(self, pcm: bytes) -> bytearray:
        if self._lame is None:
            self._lame = self._new_lame()
        made, step = bytearray(), _MP3_SAMPLES_AT_ONCE * self._channels * SAMPLE_BYTES
        for start in range(0, len(pcm), step):
            made += self._lame.encode(pcm[start : start + step])
        return made

    def end(self) -> bytearray:
        return bytearray() if self._lame is None else self._lame.flush()

    def header(self, file_bytes: int) -> bytes:
        return b""

    def _new_lame(self) -> "lameenc.Encoder":
        lame = lameenc.Encoder()
        lame.silence()
        lame.set_bit_rate(_MP3_BITS_A_SECOND // 1_000)
        lame.set_in_sample_rate(self._sample_rate)
        lame.set_out_sample_rate(max(self._sample_rate, 16_000))
        lame.set_channels(self._channels)
        lame.set_quality(_MP3_QUALITY)
        return lame


def duration_of(form: AudioFormat, sample_rate: int, channels: int, file_bytes: int) -> timedelta:
    """How long a file of this length plays: for a file without a recorded end."""
    if form is AudioFormat.MP3:
        return timedelta(seconds=file_bytes * 8 / _MP3_BITS_A_SECOND)
    frames = max(file_bytes - WAV_HEADER_BYTES, 0) // (channels * SAMPLE_BYTES)
    return timedelta(seconds=frames / sample_rate)


def duration_of_file(begin: bytes, file_bytes: int) -> timedelta:
    """The same by the file's first WAV_HEADER_BYTES. A file without our WAV header counts as MP3."""
    channels, sample_rate = struct.unpack_from("<HI", begin.ljust(WAV_HEADER_BYTES, b"\0"), 22)
    is_wav = begin[:4] == b"RIFF" and channels and sample_rate
    return duration_of(AudioFormat.WAV if is_wav else AudioFormat.MP3, sample_rate, channels, file_bytes)
