"""A recording whose process died: its file made whole as far as it goes, and its length read off the file itself."""

from datetime import UTC, datetime, timedelta

from app.recording import audio
from app.recording.spool import Ended, SpooledRecording
from app.storage.model import AudioFormat


def recovered(recording: SpooledRecording) -> Ended:
    """How the stream ended; after a crash, at the last whole sample that is there. Reads and writes files: for a thread."""
    ended = recording.ended
    if ended is not None:
        return ended
    about, written = recording.about, datetime.fromtimestamp(recording.audio_path.stat().st_mtime, UTC)
    if about.format is AudioFormat.WAV:
        _cut_to_whole_samples(recording)
    encoder = audio.encoder(about.format, about.sample_rate, about.channels)
    recording.overwrite(0, encoder.header(recording.audio_bytes))
    duration = audio.duration_of(about.format, about.sample_rate, about.channels, recording.audio_bytes)
    samples = round(duration.total_seconds() * about.sample_rate)
    ended = Ended(written, duration // timedelta(milliseconds=1), samples)
    recording.finish(ended)
    return ended


def _cut_to_whole_samples(recording: SpooledRecording) -> None:
    about, header = recording.about, audio.WAV_HEADER_BYTES
    frame = about.channels * audio.SAMPLE_BYTES
    if recording.audio_bytes < header:  # killed before anything of it was written
        recording.append(bytes(header - recording.audio_bytes))
    extra = (recording.audio_bytes - header) % frame
    if extra:
        recording.cut(recording.audio_bytes - extra)


def has_samples(recording: SpooledRecording) -> bool:
    """Whether a single sample of the call is there."""
    about = recording.about
    if about.format is AudioFormat.WAV:
        return recording.audio_bytes >= audio.WAV_HEADER_BYTES + about.channels * audio.SAMPLE_BYTES
    return recording.audio_bytes > 0
