"""Encoded recordings, decoded by another library, equal their source."""

import io
import struct
from datetime import timedelta

import numpy
import pytest
import soundfile

from app.recording.audio import SAMPLE_RATES, WAV_HEADER_BYTES, Wav, duration_of, new_encoder
from app.storage.model import AudioFormat
from tests.recording.sounds import likeness, speech

SECONDS = 6
every_kind = pytest.mark.parametrize(("sample_rate", "channels"), [(r, c) for r in SAMPLE_RATES for c in (1, 2)])


def encoded(form: AudioFormat, sample_rate: int, channels: int, pcm: bytes) -> bytes:
    """A file encoded in pieces, like batches of 20 ms frames."""
    made = new_encoder(form, sample_rate, channels)
    file, step = bytearray(made.begin()), sample_rate * channels * 2 // 4
    for start in range(0, len(pcm), step):
        file += made.encode(pcm[start : start + step])
    file += made.end()
    header = made.header(len(file))
    file[: len(header)] = header
    return bytes(file)


@every_kind
def test_wav_preserves_the_audio_bit_for_bit(sample_rate: int, channels: int) -> None:
    sent = speech(sample_rate, channels, SECONDS)
    file = encoded(AudioFormat.WAV, sample_rate, channels, sent.tobytes())
    heard, rate = soundfile.read(io.BytesIO(file), dtype="int16", always_2d=True)
    assert (rate, heard.shape) == (sample_rate, sent.shape)
    assert numpy.array_equal(heard, sent)
    assert soundfile.info(io.BytesIO(file)).subtype == "PCM_16"
    assert duration_of(AudioFormat.WAV, sample_rate, channels, len(file)) == timedelta(seconds=SECONDS)


@every_kind
def test_mp3_sounds_like_its_source(sample_rate: int, channels: int) -> None:
    sent = speech(sample_rate, channels, SECONDS)
    file = encoded(AudioFormat.MP3, sample_rate, channels, sent.tobytes())
    heard, rate = soundfile.read(io.BytesIO(file), dtype="int16", always_2d=True)
    assert (rate, heard.shape[1]) == (max(sample_rate, 16_000), channels)
    # LAME pads a frame at both ends.
    assert 0 <= len(heard) - len(sent) * rate // sample_rate <= 3 * 1_152
    for channel in range(channels):
        assert likeness(sent[:, channel], heard[:: rate // sample_rate, channel]) > 0.95


@every_kind
def test_mp3_has_128_kilobits_per_second(sample_rate: int, channels: int) -> None:
    file = encoded(AudioFormat.MP3, sample_rate, channels, speech(sample_rate, channels, SECONDS).tobytes())
    assert len(file) * 8 / (SECONDS + 0.15) <= 128_000 <= len(file) * 8 / SECONDS
    told = duration_of(AudioFormat.MP3, sample_rate, channels, len(file))
    assert timedelta(0) <= told - timedelta(seconds=SECONDS) < timedelta(seconds=0.15)


@every_kind
def test_the_size_of_encoded_pieces_does_not_change_the_file(sample_rate: int, channels: int) -> None:
    pcm, made = speech(sample_rate, channels, 20).tobytes(), new_encoder(AudioFormat.MP3, sample_rate, channels)
    assert made.encode(pcm) + made.end() == encoded(AudioFormat.MP3, sample_rate, channels, pcm)


def test_the_channels_of_an_mp3_stay_separate() -> None:
    sent = speech(8_000, 2, SECONDS)
    sent[:, 1] = 0
    heard, _ = soundfile.read(io.BytesIO(encoded(AudioFormat.MP3, 8_000, 2, sent.tobytes())), dtype="int16")
    assert numpy.abs(heard[:, 1]).max() < numpy.abs(heard[:, 0]).max() / 100


@pytest.mark.parametrize("form", AudioFormat)
def test_a_call_without_audio_is_a_file_without_audio(form: AudioFormat) -> None:
    file = encoded(form, 8_000, 2, b"")
    assert duration_of(form, 8_000, 2, len(file)) == timedelta(0)


def test_a_wav_beyond_4_gib_has_the_header_of_a_growing_file() -> None:
    wav = Wav(48_000, 2)
    sizes = [struct.unpack_from("<I", wav.header(length), offset) for length in (2**33,) for offset in (4, 40)]
    assert sizes == [(0xFFFF_FFFF,), (0xFFFF_FFFF,)]
    longest = 0xFFFF_FFFF + 8
    assert struct.unpack_from("<I", wav.header(longest), 40) == (longest - WAV_HEADER_BYTES,)


def test_a_truncated_wav_plays_to_its_end() -> None:
    wav, sent = Wav(8_000, 2), speech(8_000, 2, 1)
    file = wav.begin() + sent.tobytes()
    heard, _ = soundfile.read(io.BytesIO(file), dtype="int16")
    assert numpy.array_equal(heard, sent)
