"""Reading recordings: any file that libsndfile reads and, where installed, that ffmpeg reads.

Any sample rate, any number of channels, hours long, in blocks. libsndfile is asked first, then
ffmpeg. Every failure is an `AudioError` with one sentence that names the file, the cause and the
way out. Files are only ever read. Light: numpy, soundfile and soxr, never torch.
"""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from clser_engine.audio.ffmpeg_source import FfmpegSource, has_ffmpeg
from clser_engine.audio.file_check import check_file
from clser_engine.audio.resample import resample
from clser_engine.audio.sndfile_source import SndfileSource
from clser_engine.audio.source import AudioSource, CannotDecodeError
from clser_engine.errors import AudioError, BadValueError, Cancelled
from clser_engine.runtime import RunContext
from clser_engine.types import AudioInfo, FloatArray

_LIBSNDFILE_READS = (
    "wav wave w64 rf64 flac ogg oga opus mp3 mp2 mpga aif aiff aifc caf au snd sph nist voc gsm"
)
_FFMPEG_READS = "m4a m4b aac ac3 amr wma ape ra wv tta spx dsf mka webm mp4 3gp mkv mov avi mpg ogv"
AUDIO_SUFFIXES = frozenset(
    f".{suffix}" for suffix in f"{_LIBSNDFILE_READS} {_FFMPEG_READS}".split()
)
"""What counts as a recording in a folder, in lower case; a file named by itself may have any."""

CHUNK_S = 1.0
HASH_BYTES = 1 << 20
LARGEST_SAMPLE = 1e9
"""Full scale is 1 and float files may exceed it, but a value like this is damage, not sound."""
SHORTEST_CLAIM_S = 0.05
MAX_KNOWN_FILES = 1024

_known: dict[tuple[str, int, int], AudioInfo] = {}  # counting frames is not for free


def probe_audio(path: str | Path, context: RunContext | None = None) -> AudioInfo:
    """Return what a recording is; its frames are those that can be read, whatever its header says.

    Args:
        path: The file.
        context: Cancels a long count.

    Raises:
        AudioError: If it cannot be read or holds no audio.
    """
    with AudioReader(path, context) as reader:
        return reader.info


class AudioReader:
    """Random access to the samples of a recording; for one thread at a time.

    Sequential reading is always fast. So is jumping about in what libsndfile reads and in MP4
    audio; in other files that only ffmpeg reads, a jump decodes from the start (about 600 times
    faster than real time).

    Args:
        path: The file.
        context: Cancels a long count when opening, and waiting for ffmpeg.

    Raises:
        AudioError: If it cannot be read or holds no audio.
    """

    def __init__(self, path: str | Path, context: RunContext | None = None) -> None:
        path = Path(path)
        status = check_file(path)
        key = (str(path.absolute()), status.st_size, status.st_mtime_ns)
        self._source = _open_source(path, _known.get(key), context)
        if len(_known) >= MAX_KNOWN_FILES:
            _known.clear()
        _known[key] = self._source.info

    @property
    def info(self) -> AudioInfo:
        """What the recording is."""
        return self._source.info

    def read(self, start_frame: int, num_frames: int) -> FloatArray:
        """Return stored samples as they are, NaN included; full scale is 1.

        Args:
            start_frame: First frame, 0 or more.
            num_frames: How many; fewer come back at the end, none behind it.

        Returns:
            (frames, channels) float32.
        """
        return self._source.read(max(0, start_frame), max(0, num_frames))

    def blocks(self, block_frames: int) -> Iterator[FloatArray]:
        """Yield the whole recording in blocks of (block_frames, channels), the last one shorter."""
        start_frame = 0
        while len(block := self.read(start_frame, block_frames)):
            yield block
            start_frame += len(block)

    def close(self) -> None:
        """Give the file back and stop what decodes it."""
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def read_mono(
    path: str | Path,
    sample_rate_hz: int = 16000,
    start_s: float = 0.0,
    end_s: float | None = None,
    *,
    channel: int | None = None,
) -> FloatArray:
    """Return a recording, or a stretch of it, as mono at one sample rate.

    Args:
        path: The file.
        sample_rate_hz: Rate that is wanted.
        start_s: Where to begin.
        end_s: Where to stop (half-open); None for the end.
        channel: One channel, counted from 0; None for the mean of all.

    Returns:
        (samples,) float32; empty if the stretch lies behind the end.

    Raises:
        AudioError: If it cannot be read, or holds a sample that is no number.
        BadValueError: If the stretch or the channel is not one.
    """
    if start_s < 0 or (end_s is not None and end_s < start_s):
        raise BadValueError(
            f"Bad stretch: got {start_s} s to {end_s} s, expected a start of at least 0 s and an "
            "end behind it."
        )
    with AudioReader(path) as reader:
        chunks = _mono_chunks(reader, start_s, end_s, channel, None)
        resampled = list(resample(chunks, reader.info.sample_rate_hz, sample_rate_hz))
    return np.concatenate([np.zeros(0, np.float32), *resampled])


def iter_mono(
    path: str | Path,
    sample_rate_hz: int = 16000,
    block_s: float = 10.0,
    context: RunContext | None = None,
    *,
    channel: int | None = None,
) -> Iterator[FloatArray]:
    """Yield a recording of any length as mono blocks at one sample rate.

    Args:
        path: The file.
        sample_rate_hz: Rate that is wanted.
        block_s: Length of every block but the last in seconds.
        context: Cancels the reading; progress is for the caller to report.
        channel: One channel, counted from 0; None for the mean of all.

    Yields:
        (samples,) float32; `round(block_s * sample_rate_hz)` samples, the last block 1 or more.

    Raises:
        AudioError: If it cannot be read, or holds a sample that is no number.
        BadValueError: If there is no such channel.
        Cancelled: If somebody asked to stop.
    """
    with AudioReader(path, context) as reader:
        yield from mono_blocks(reader, sample_rate_hz, block_s, context, channel=channel)


def mono_blocks(
    reader: AudioReader,
    sample_rate_hz: int = 16000,
    block_s: float = 10.0,
    context: RunContext | None = None,
    *,
    channel: int | None = None,
) -> Iterator[FloatArray]:
    """Yield what `iter_mono` does of a recording that is open already, and leave it open."""
    block_samples = max(1, round(block_s * sample_rate_hz))
    chunks = _mono_chunks(reader, 0.0, None, channel, context)
    pending, have = [], 0
    for piece in resample(chunks, reader.info.sample_rate_hz, sample_rate_hz):
        pending.append(piece)
        have += len(piece)
        if have >= block_samples:
            joined = np.concatenate(pending)
            whole = have - have % block_samples
            for start in range(0, whole, block_samples):
                yield joined[start : start + block_samples]
            pending, have = [joined[whole:]], have - whole
    if have:
        yield np.concatenate(pending)


def downmix(samples: FloatArray, channel: int | None = None) -> FloatArray:
    """Return one channel of many, or their mean.

    The mean, not the sum, so that it never exceeds full scale where the channels do not; channels
    in antiphase cancel, and then one of them should be chosen.

    Args:
        samples: (frames, channels) float32.
        channel: Counted from 0; None for the mean of all.

    Returns:
        (frames,) float32.

    Raises:
        BadValueError: If there is no such channel.
    """
    num_channels = samples.shape[1]
    if channel is not None:
        if not 0 <= channel < num_channels:
            raise BadValueError(
                f"Bad channel: got {channel}, expected 0 to {num_channels - 1} in this recording."
            )
        return np.ascontiguousarray(samples[:, channel])
    if num_channels == 1:
        return np.ascontiguousarray(samples[:, 0])
    mean: FloatArray = samples.mean(axis=1, dtype=np.float64).astype(np.float32)
    return mean


def find_recordings(folder: str | Path) -> list[Path]:
    """Return the recordings in a folder and the folders below it, by their suffix, in order.

    Hidden files and folders are passed over, and so are folders that may not be entered.
    """
    found: list[Path] = []
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(where, name) for name in sorted(names) if is_recording_name(name)]
    return found


def hash_file(path: str | Path, context: RunContext | None = None) -> str:
    """Return the SHA-256 of a file's bytes in hexadecimal.

    Args:
        path: The file.
        context: Told of the progress in bytes; cancels.

    Raises:
        AudioError: If the file cannot be read.
        Cancelled: If somebody asked to stop.
    """
    path = Path(path)
    total = check_file(path).st_size
    digest, done = hashlib.sha256(), 0
    try:
        with open(path, "rb") as file:
            while data := file.read(HASH_BYTES):
                digest.update(data)
                done += len(data)
                if context is not None:
                    context.report("hash", done, total)
    except OSError as error:
        raise AudioError(
            f"{path} cannot be read because the system says '{error.strerror}'; "
            "copy it to another disk."
        ) from error
    return digest.hexdigest()


def is_recording_name(name: str) -> bool:
    """Whether a file of that name in a folder is taken for a recording."""
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in AUDIO_SUFFIXES


def _open_source(path: Path, info: AudioInfo | None, context: RunContext | None) -> AudioSource:
    claimed_s: float | None = None
    decoders: tuple[type[SndfileSource] | type[FfmpegSource], ...] = (SndfileSource, FfmpegSource)
    if info is not None and info.decoder == "ffmpeg":
        decoders = (FfmpegSource,)
    for decoder in decoders:
        try:
            return decoder(path, info, context)
        except CannotDecodeError as error:
            claimed_s = claimed_s or error.claimed_s
    raise AudioError(_why_unreadable(path, claimed_s))


def _why_unreadable(path: Path, claimed_s: float | None) -> str:
    if claimed_s is not None and claimed_s < SHORTEST_CLAIM_S:
        return f"{path} holds no audio (0 samples); record or export it again."
    if claimed_s is not None:
        return (
            f"{path} is damaged: it claims to last {claimed_s:.1f} s but no sample of it can be "
            "read, so copy it again from where it came."
        )
    if not has_ffmpeg():
        return (
            f"{path} cannot be read as audio here; installing ffmpeg may open it, else convert it "
            "to WAV."
        )
    return (
        f"{path} cannot be read as audio: it is damaged or no recording, so copy it again or "
        "convert it to WAV."
    )


def _mono_chunks(
    reader: AudioReader,
    start_s: float,
    end_s: float | None,
    channel: int | None,
    context: RunContext | None,
) -> Iterator[FloatArray]:
    """Yield short mono pieces at the stored rate, every sample checked to be a number."""
    rate = reader.info.sample_rate_hz
    position = round(start_s * rate)
    end = None if end_s is None else round(end_s * rate)
    while end is None or position < end:
        if context is not None and context.cancel_requested:
            raise Cancelled("read")
        wanted = max(1, round(CHUNK_S * rate))
        chunk = reader.read(position, wanted if end is None else min(wanted, end - position))
        if not len(chunk):
            return
        _check_samples(reader.info, chunk, position)
        yield downmix(chunk, channel)
        position += len(chunk)


def _check_samples(info: AudioInfo, chunk: FloatArray, position: int) -> None:
    good = np.abs(chunk) <= LARGEST_SAMPLE  # False for NaN too
    if good.all():
        return
    frame, channel = np.argwhere(~good)[0]
    value = float(chunk[frame, channel])
    time_s = (position + frame) / info.sample_rate_hz
    raise AudioError(
        f"{info.path} has {value:g} for a sample at {time_s:.3f} s, which is no sound; repair it "
        "in an audio editor or export it again."
    )
