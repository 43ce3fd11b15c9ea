"""Speech-like sound, the same each time."""

import numpy

Samples = numpy.ndarray
"""16-bit samples: one row per moment, one column per channel."""


def speech(sample_rate: int, channels: int, seconds: float) -> Samples:
    """A voice on each channel: a tone with overtones in syllables, and a little noise. No two are alike."""
    time = numpy.arange(int(sample_rate * seconds)) / sample_rate
    voices = []
    for channel in range(channels):
        noise = numpy.random.default_rng(channel).standard_normal(len(time))
        pitch = 140 + 90 * channel
        tone = sum(numpy.sin(2 * numpy.pi * pitch * overtone * time) / overtone for overtone in (1, 2, 3, 5))
        syllables = numpy.clip(numpy.sin(2 * numpy.pi * (2.3 + channel) * time), 0, 1)
        voices.append(6_000 * tone * syllables + 60 * noise)
    return numpy.stack(voices, axis=1).astype("<i2")


def likeness(sent: Samples, heard: Samples, *, within: int = 4_000) -> float:
    """Similarity of two channels, from 0 to 1, if the heard one is shifted by at most this many samples."""
    length = min(len(sent), len(heard)) - within
    one, other = sent[:length].astype(float), heard.astype(float)
    size = 1 << (len(one) + len(other)).bit_length()
    product = numpy.fft.rfft(other, size) * numpy.conj(numpy.fft.rfft(one, size))
    shifts = numpy.fft.irfft(product, size)
    shift = int(numpy.argmax(numpy.concatenate([shifts[:within], shifts[-within:]])))
    shift = shift if shift < within else shift - 2 * within
    start, begun = max(shift, 0), max(-shift, 0)
    both = min(len(one) - begun, len(other) - start)
    return float(numpy.corrcoef(one[begun : begun + both], other[start : start + both])[0, 1])
