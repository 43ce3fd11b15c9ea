"""Crash recovery: completes the file of a recording whose process died, and derives its length from the file."""

from datetime import UTC, datetime, timedelta

from app.recording import audio
from app.recording.metadata import StreamEnd
from app.recording.spool import SpooledRecording
from app.storage.model import AudioFormat


def recover(recording: SpooledRecording) -> StreamEnd:
    """How the stream ended; after a crash, at the last whole sample. Reads and writes files: call it in a thread."""
    ended = recording.stream_end
    if ended is not None:
        return ended
    metadata, written = recording.metadata, datetime.fromtimestamp(recording.audio_path.stat().st_mtime, UTC)
    if metadata.format is AudioFormat.WAV:
        _cut_to_whole_samples(recording)
    new_encoder = audio.new_encoder(metadata.format, metadata.sample_rate, metadata.channels)
    recording.overwrite(0, new_encoder.header(recording.audio_bytes))
    duration = audio.duration_of(metadata.format, metadata.sample_rate, metadata.channels, recording.audio_bytes)
    samples = round(duration.total_seconds() * metadata.sample_rate)
    ended = StreamEnd(written, duration // timedelta(milliseconds=1), samples)
    recording.finish(ended)
    return ended


def _cut_to_whole_samples(recording: SpooledRecording) -> None:
    metadata, header = recording.metadata, audio.WAV_HEADER_BYTES
    frame = metadata.channels * audio.SAMPLE_BYTES
    if recording.audio_bytes < header:  # killed before the header was written
        recording.append(bytes(header - recording.audio_bytes))
    extra = (recording.audio_bytes - header) % frame
    if extra:
        recording.truncate(recording.audio_bytes - extra)


def has_samples(recording: SpooledRecording) -> bool:
    """Whether the recording has at least one sample."""
    metadata = recording.metadata
    if metadata.format is AudioFormat.WAV:
        return recording.audio_bytes >= audio.WAV_HEADER_BYTES + metadata.channels * audio.SAMPLE_BYTES
    return recording.audio_bytes > 0
