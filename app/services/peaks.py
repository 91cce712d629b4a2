"""One recording as it is drawn: envelope, samples and spectrogram at any zoom.

`open_source` is quick: it probes the file and takes what the cache holds. `AudioSource.build`
reads the file once from start to end (in a job) and fills the pyramids, which can be drawn while
they grow. What is finer than the pyramids is loaded where somebody looks (`load`, in a job) and
kept by the thread that draws (`keep`). Nothing here reads a whole file in order to draw.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.services.peak_pyramid import (
    FULL_SCALE,
    Envelope,
    PeakPyramid,
    base_frames_of,
    level_lengths,
    reduce_pairs,
)
from app.services.spectrogram import (
    COLUMNS_PER_TILE,
    FIRST_STORED_LEVEL,
    ByteArray,
    StoredLevels,
    compute_columns,
    pool_bins,
    shape_of,
)
from app.services.view_cache import ArrayPlan, CachedArrays, ViewCache, cache_key
from clser_engine.audio.read import LARGEST_SAMPLE, AudioReader, probe_audio
from clser_engine.errors import AudioError
from clser_engine.runtime import RunContext
from clser_engine.types import AudioInfo, FloatArray

BUILD_BLOCK_S = 4.0  # read, reduced and drawn in well under 0.2 s
SAMPLES_PER_BLOCK = 65536
MAX_SAMPLE_BLOCKS = 64  # 16 MiB
MAX_TILES = 512  # 32 MiB
MAX_PCM_BYTES = 1024**3  # decoded copy of a recording that cannot be read from the middle

TileKey = tuple[int, int]  # level, tile


@dataclass(slots=True)
class Loaded:
    """What a load brought: blocks of samples and fine tiles, by number."""

    samples: dict[int, FloatArray] = field(default_factory=dict)
    tiles: dict[TileKey, ByteArray] = field(default_factory=dict)


class AudioSource:
    """A recording's pyramids and what is loaded beyond them.

    Args:
        info: What the file is.
        channel: A channel counted from 0, or None for the mean of all.
        cache: Where drawings are kept.
        key: Name in the cache.
        entry: A complete entry, or None when it must be built.
    """

    def __init__(
        self,
        info: AudioInfo,
        channel: int | None,
        cache: ViewCache,
        key: str,
        entry: CachedArrays | None,
    ) -> None:
        self.info = info
        self.channel = channel
        self.shape = shape_of(info.sample_rate_hz)
        self._cache = cache
        self._key = key
        self._sample_blocks: OrderedDict[int, FloatArray] = OrderedDict()
        self._tiles: OrderedDict[TileKey, ByteArray] = OrderedDict()
        self.num_frames = int(entry.facts["num_frames"]) if entry else info.num_frames
        base_frames = base_frames_of(info.sample_rate_hz)
        self._plan = _plan(self.num_frames, base_frames, info)
        self.is_complete = entry is not None
        entry = entry or cache.begin(key, self._plan)
        arrays = entry.arrays
        self.peaks = PeakPyramid(
            [array for name, array in arrays.items() if name.startswith("peaks")],
            base_frames,
            self.num_frames if self.is_complete else 0,
        )
        stored = [array for name, array in arrays.items() if name.startswith("columns")]
        self.stored = StoredLevels(stored, self.shape, len(stored[0]) if self.is_complete else 0)
        self._pcm = arrays.get("pcm")

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.num_frames / self.info.sample_rate_hz

    @property
    def read_s(self) -> float:
        """How much is read so far, in seconds from the start."""
        return self.peaks.frames_done / self.info.sample_rate_hz

    def build(self, context: RunContext) -> None:
        """Read the file once and fill the pyramids; runs in a job, may be drawn meanwhile.

        Raises:
            AudioError: If the file cannot be read.
            Cancelled: If somebody asked to stop; nothing is kept then.
        """
        if self.is_complete:
            return
        try:
            with AudioReader(self.info.path) as reader:
                for samples, is_last in _whole_buckets(reader, self):
                    if self._pcm is not None:
                        first = self.peaks.frames_done
                        copy = np.clip(
                            np.rint(samples * FULL_SCALE), -FULL_SCALE, FULL_SCALE
                        ).astype(np.int16)
                        self._pcm[first : first + len(copy), 0] = copy
                    self.stored.append(samples, is_last=is_last)
                    self.peaks.append(samples)
                    context.report("reading", self.peaks.frames_done, self.num_frames)
        except BaseException:
            self._cache.abandon(self._key)
            raise
        self.is_complete = True
        if self.peaks.frames_done < self.num_frames:  # the header promised more than there is
            self.num_frames = self.peaks.frames_done
            self._cache.abandon(self._key)
            return
        self._cache.finish(self._key, self._plan, {"num_frames": self.num_frames})

    def envelope(self, start_s: float, end_s: float, bins: int) -> Envelope:
        """Return minima, maxima and RMS of `bins` equal stretches; NaN where not read yet.

        Exact below one bucket a bin where the samples are loaded, else from the finest buckets.
        """
        rate = self.info.sample_rate_hz
        start, end = start_s * rate, end_s * rate
        if (end - start) / bins < self.peaks.base_frames:
            exact = self._exact_envelope(start, end, bins)
            if exact is not None:
                return exact
        return self.peaks.envelope(start, end, bins)

    def samples(self, start_s: float, end_s: float) -> tuple[int, FloatArray] | None:
        """Return the first frame's number and the samples, or None where they are not loaded."""
        rate = self.info.sample_rate_hz
        first = max(int(np.floor(start_s * rate)), 0)
        stop = min(int(np.ceil(end_s * rate)) + 1, self.num_frames)
        if stop <= first:
            return None
        blocks = []
        for number in range(first // SAMPLES_PER_BLOCK, (stop - 1) // SAMPLES_PER_BLOCK + 1):
            block = self._sample_blocks.get(number)
            if block is None:
                return None
            blocks.append(block)
        offset = first // SAMPLES_PER_BLOCK * SAMPLES_PER_BLOCK
        joined = blocks[0] if len(blocks) == 1 else np.concatenate(blocks)
        return first, joined[first - offset : stop - offset]

    def spectrogram(self, start_s: float, end_s: float, bins: int) -> tuple[ByteArray, int]:
        """Return the spectrogram of `bins` equal stretches and from which bin on nothing is known.

        Fine tiles where they are loaded, the stored levels elsewhere.

        Returns:
            (bins, rows) uint8 and the number of leading bins that are known.
        """
        rate = self.info.sample_rate_hz
        edges = np.linspace(start_s * rate, end_s * rate, bins + 1)
        level = self._level_for((end_s - start_s) * rate / bins)
        first_stored = max(level, FIRST_STORED_LEVEL)
        stored = self.stored.levels[first_stored - FIRST_STORED_LEVEL]
        columns = pool_bins(stored, edges, self.shape.hop_frames(first_stored))
        if level < FIRST_STORED_LEVEL:
            self._overlay_tiles(columns, edges, level)
        done = self.stored.columns_done * self.shape.hop_frames(FIRST_STORED_LEVEL)
        known_to = min(done, self.num_frames)
        known = int(np.searchsorted(edges[:-1], known_to))
        return columns, known

    def wanted(self, start_s: float, end_s: float, bins: int) -> Loaded:
        """Return what a view of this span lacks; its values are empty, its keys tell what to load.

        Only what is already read can be loaded, so a growing file is never read twice at once.
        """
        wanted = Loaded()
        rate = self.info.sample_rate_hz
        start = max(int(start_s * rate), 0)
        stop = min(int(np.ceil(end_s * rate)) + 1, self.num_frames)
        if stop <= start:
            return wanted
        frames_per_bin = (end_s - start_s) * rate / bins
        if frames_per_bin < self.peaks.base_frames:
            for number in _numbers(start, stop, SAMPLES_PER_BLOCK):
                if number not in self._sample_blocks and self._is_read(number, SAMPLES_PER_BLOCK):
                    wanted.samples[number] = np.zeros(0, np.float32)
        level = self._level_for(frames_per_bin)
        if level < FIRST_STORED_LEVEL:
            tile_frames = self.shape.hop_frames(level) * COLUMNS_PER_TILE
            for number in _numbers(start, stop, tile_frames):
                if (level, number) not in self._tiles and self._is_read(number, tile_frames):
                    wanted.tiles[level, number] = np.zeros((0, 0), np.uint8)
        return wanted

    def load(self, wanted: Loaded, context: RunContext) -> Loaded:
        """Read and compute what is wanted; runs in a job.

        Raises:
            AudioError: If the file cannot be read any more.
            Cancelled: If somebody asked to stop.
        """
        loaded = Loaded()
        total = len(wanted.samples) + len(wanted.tiles)
        with self._frames_reader() as read:
            for number in wanted.samples:
                context.report("samples", len(loaded.samples), total)
                loaded.samples[number] = read(number * SAMPLES_PER_BLOCK, SAMPLES_PER_BLOCK)
            for level, number in wanted.tiles:
                context.report("spectrogram", len(loaded.samples) + len(loaded.tiles), total)
                loaded.tiles[level, number] = self._tile(read, level, number)
        return loaded

    def keep(self, loaded: Loaded) -> None:
        """Keep what a load brought; called by the thread that draws."""
        for number, samples in loaded.samples.items():
            self._sample_blocks[number] = samples
        for key, tile in loaded.tiles.items():
            self._tiles[key] = tile
        while len(self._sample_blocks) > MAX_SAMPLE_BLOCKS:
            self._sample_blocks.popitem(last=False)
        while len(self._tiles) > MAX_TILES:
            self._tiles.popitem(last=False)

    def _is_read(self, number: int, length: int) -> bool:
        """Whether the stretch and the halo after it lie in what was read so far."""
        needed = (number + 1) * length + self.shape.window_frames
        return self.is_complete or needed <= self.peaks.frames_done

    def _exact_envelope(self, start: float, end: float, bins: int) -> Envelope | None:
        rate = self.info.sample_rate_hz
        found = self.samples(start / rate, end / rate)
        if found is None:
            return None
        first, samples = found
        edges = np.linspace(start, end, bins + 1)
        starts = np.floor(edges[:-1]).astype(np.int64)
        stops = np.maximum(np.ceil(edges[1:]).astype(np.int64), starts + 1)
        known = (starts >= first) & (starts < first + len(samples))
        minima, maxima, rms = (np.full(bins, np.nan, np.float32) for _ in range(3))
        pairs = np.stack([starts[known], np.minimum(stops[known], first + len(samples))], axis=1)
        if len(pairs):
            minima[known] = reduce_pairs(np.minimum, samples, pairs.ravel() - first)
            maxima[known] = reduce_pairs(np.maximum, samples, pairs.ravel() - first)
            squares = reduce_pairs(np.add, samples**2, pairs.ravel() - first)
            rms[known] = np.sqrt(squares / (pairs[:, 1] - pairs[:, 0]))
        return Envelope(minima=minima, maxima=maxima, rms=rms)

    def _level_for(self, frames_per_bin: float) -> int:
        top = FIRST_STORED_LEVEL + len(self.stored.levels) - 1
        level = 0
        while level < top and self.shape.hop_frames(level + 1) <= frames_per_bin:
            level += 1
        return level

    def _overlay_tiles(self, columns: ByteArray, edges: NDArray[np.float64], level: int) -> None:
        """Put the fine tiles that are loaded over what the stored levels gave."""
        tile_frames = self.shape.hop_frames(level) * COLUMNS_PER_TILE
        last = len(columns) - 1
        for number in _numbers(max(int(edges[0]), 0), int(np.ceil(edges[-1])), tile_frames):
            tile = self._tiles.get((level, number))
            if tile is None:
                continue
            first = number * tile_frames
            begin = int(np.searchsorted(edges[:-1], first))
            stop = int(np.searchsorted(edges[:-1], first + tile_frames, side="left"))
            if begin <= last and stop > begin:
                part = edges[begin : stop + 1] - first
                columns[begin:stop] = pool_bins(tile, part, self.shape.hop_frames(level))

    @contextmanager
    def _frames_reader(self) -> Iterator[Callable[[int, int], FloatArray]]:
        """Give a function (first frame, count) -> mono samples, from the copy if there is one."""
        if self._pcm is not None:
            pcm = self._pcm
            scale = np.float32(1 / FULL_SCALE)
            yield lambda first, count: np.multiply(
                pcm[first : first + count, 0], scale, dtype=np.float32
            )
            return
        with AudioReader(self.info.path) as reader:
            yield lambda first, count: self.to_mono(
                reader.read(first, max(min(count, self.num_frames - first), 0))
            )

    def to_mono(self, frames: FloatArray) -> FloatArray:
        """Return the channel that is drawn, (frames,), from (frames, channels).

        What is no sound is drawn as full scale of its sign, NaN as 0.
        """
        if self.channel is not None:
            frames = frames[:, self.channel : self.channel + 1]
        is_sound = np.abs(frames) <= LARGEST_SAMPLE
        if not is_sound.all():
            frames = np.where(is_sound, frames, np.nan_to_num(np.sign(frames)))
        return np.ascontiguousarray(frames.mean(axis=1), np.float32)

    def _tile(self, read: Callable[[int, int], FloatArray], level: int, number: int) -> ByteArray:
        hop, halo = self.shape.hop_frames(level), self.shape.window_frames
        start = number * COLUMNS_PER_TILE
        stop = min(start + COLUMNS_PER_TILE, self.shape.num_columns(self.num_frames, level))
        first = max(start * hop - halo, 0)
        samples = read(first, stop * hop + halo - first)
        return compute_columns(samples, first, self.shape, level, start, stop)


def open_source(path: Path, cache: ViewCache, channel: int | None = None) -> AudioSource:
    """Probe a recording and take what the cache holds; quick, yet for a job: it reads the disk.

    Args:
        path: The recording.
        cache: Where drawings are kept.
        channel: A channel counted from 0, or None for the mean of all.

    Raises:
        AudioError: If the file cannot be read or holds nothing.
    """
    info = probe_audio(path)
    if info.num_frames < 1:
        raise AudioError(f"{path} holds no audio; choose another file.")
    if channel is not None and not 0 <= channel < info.channels:
        raise AudioError(
            f"{path} has {info.channels} channels, not {channel + 1}; "
            f"choose channel 1 to {info.channels}."
        )
    try:
        key = cache_key(path, channel)
    except OSError as error:
        raise AudioError(f"{path} cannot be read ({error.strerror}).") from error
    return AudioSource(info, channel, cache, key, cache.load(key))


def _numbers(start: int, stop: int, length: int) -> range:
    """Return the numbers of the stretches of `length` that `[start, stop)` touches."""
    return range(start // length, (stop - 1) // length + 1) if stop > start else range(0)


def _needs_copy(info: AudioInfo) -> bool:
    """Whether reading from the middle is slow, so that a decoded copy is kept beside the peaks."""
    is_slow = info.decoder != "libsndfile" or "MPEG" in f"{info.container} {info.codec}".upper()
    return is_slow and 2 * info.num_frames <= MAX_PCM_BYTES


def _plan(num_frames: int, base_frames: int, info: AudioInfo) -> list[ArrayPlan]:
    shape = shape_of(info.sample_rate_hz)
    plan: list[ArrayPlan] = [
        (f"peaks{level}", "<i2", (length, 3))
        for level, length in enumerate(level_lengths(num_frames, base_frames))
    ]
    if _needs_copy(info):
        plan.append(("pcm", "<i2", (num_frames, 1)))
    for level, length in enumerate(shape.stored_lengths(num_frames)):
        plan.append((f"columns{level}", "|u1", (length, shape.rows)))
    return plan


def _whole_buckets(reader: AudioReader, source: AudioSource) -> Iterator[tuple[FloatArray, bool]]:
    """Yield mono samples in whole buckets, and whether they are the last; never more than fit."""
    bucket = source.peaks.base_frames
    room = source.num_frames
    pending = np.zeros(0, np.float32)
    for frames in reader.blocks(int(BUILD_BLOCK_S * source.info.sample_rate_hz)):
        pending = np.concatenate([pending, source.to_mono(frames)])[:room]
        # One bucket is held back: whatever comes last must be known to be the last.
        count = max(len(pending) - 1, 0) // bucket * bucket
        if count:
            yield pending[:count], False
            pending = pending[count:]
            room -= count
    yield pending, True
