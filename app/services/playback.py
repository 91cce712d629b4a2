"""A stretch of a recording played from its file through a ring buffer, whatever its length.

No Qt and no threads: `Playback.run` is called where work may block, `Playback.position_s` from
anywhere, and the device fills its blocks in its own thread, which only copies.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from app.services.playback_output import OpenOutput, Output, PortAudioOutput
from app.services.time_stretch import TimeStretch
from clser_engine.audio.read import LARGEST_SAMPLE, AudioReader
from clser_engine.runtime import RunContext
from clser_engine.types import FloatArray

MIX = -1
BUFFER_S = 0.5
BLOCK_S = 0.05
PAUSE_S = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayRequest:
    """What to play and how.

    Args:
        path: The recording.
        start_s: Where to begin, seconds.
        end_s: Where to end.
        loop_from_s: Where to go on after the end, or None to stop there.
        speed: 1 for the recording's own.
        channel: Channel from 0, or `MIX`.
        device: Name of the output device, empty for the system's own.
    """

    path: Path
    start_s: float
    end_s: float
    loop_from_s: float | None = None
    speed: float = 1.0
    channel: int = MIX
    device: str = ""


class Ring:
    """Samples between one writer and one reader, without a lock.

    Each side changes only its own counter, after the samples are in place.

    Args:
        capacity: Samples that it holds.
    """

    def __init__(self, capacity: int) -> None:
        self._samples = np.zeros(capacity, np.float32)
        self.written = 0
        self.read = 0

    @property
    def free(self) -> int:
        """Samples that can be written now."""
        return len(self._samples) - (self.written - self.read)

    def write(self, samples: FloatArray) -> int:
        """Take as many samples as fit; return how many."""
        count = min(len(samples), self.free)
        start = self.written % len(self._samples)
        first = min(count, len(self._samples) - start)
        self._samples[start : start + first] = samples[:first]
        self._samples[: count - first] = samples[first:count]
        self.written += count
        return count

    def read_into(self, block: NDArray[np.float32], gain: float) -> int:
        """Fill each channel of `(frames, channels)` with the same samples, then silence.

        Returns:
            How many frames were sound.
        """
        count = min(len(block), self.written - self.read)
        start = self.read % len(self._samples)
        first = min(count, len(self._samples) - start)
        for channel in block.T:
            np.multiply(self._samples[start : start + first], gain, out=channel[:first])
            np.multiply(self._samples[: count - first], gain, out=channel[first:count])
        block[count:] = 0.0
        self.read += count
        return count


class Playback:
    """One request while it is played.

    Args:
        request: What to play.
        gain_db: Loudness at the start.
        open_device: Opens the output.
    """

    def __init__(
        self,
        request: PlayRequest,
        *,
        gain_db: float = 0.0,
        open_device: OpenOutput = PortAudioOutput,
    ) -> None:
        self.request = request
        self.is_complete = False
        self.num_gaps = 0
        """Blocks that came too late and were filled with silence."""
        self._open_device = open_device
        self._gain = 1.0
        self.set_gain_db(gain_db)
        self._ring = Ring(1)
        self._output: Output | None = None
        self._passes: list[tuple[int, float]] = []  # output frame and time where each begins
        self._heard: tuple[float, int] | None = None  # device time and the frame heard then
        self._is_drained = False

    def set_gain_db(self, gain_db: float) -> None:
        """Play louder or softer from the next block on."""
        self._gain = 10.0 ** (gain_db / 20.0)

    def run(self, context: RunContext) -> None:
        """Play until the end or until cancelled.

        Raises:
            PlaybackError: If the device cannot be used.
            AudioError: If the recording cannot be read.
            Cancelled: If somebody asked to stop.
        """
        with AudioReader(self.request.path) as reader:
            output = self._open_device(self.request.device, self._fill)
            try:
                self._ring = Ring(round(BUFFER_S * output.sample_rate_hz))
                self._output = output
                self._play(render(reader, self.request, output.sample_rate_hz), output, context)
            finally:
                self._output = None
                output.close()
        self.is_complete = True

    def position_s(self) -> float:
        """Return the time that is heard now, by the device's own clock."""
        output, heard = self._output, self._heard
        if self.is_complete:
            return self.request.end_s
        if output is None or heard is None or not self._passes:
            return self.request.start_s
        device_s, frame = heard
        now = frame + (output.time_s - device_s) * output.sample_rate_hz
        now = min(max(now, 0.0), float(self._ring.read))
        first_frame, first_s = next(
            (begin for begin in reversed(self._passes) if begin[0] <= now), self._passes[0]
        )
        played_s = (now - first_frame) / output.sample_rate_hz * self.request.speed
        return min(first_s + played_s, self.request.end_s)

    def _play(
        self,
        chunks: Iterator[tuple[float | None, FloatArray]],
        output: Output,
        context: RunContext,
    ) -> None:
        is_started = False
        for begins_s, chunk in chunks:
            if begins_s is not None:
                self._passes.append((self._ring.written, begins_s))
            while len(chunk):
                context.report("play", 0, 0)
                chunk = chunk[self._ring.write(chunk) :]
                if len(chunk):
                    if not is_started:
                        output.start()
                        is_started = True
                    time.sleep(PAUSE_S)
        self._is_drained = True
        if not is_started:
            output.start()
        while self._is_still_heard(output):
            context.report("play", 0, 0)
            time.sleep(PAUSE_S)

    def _is_still_heard(self, output: Output) -> bool:
        heard = self._heard
        if heard is None or self._ring.read < self._ring.written:
            return True
        device_s, frame = heard
        left = self._ring.written - frame
        return output.time_s - device_s < left / output.sample_rate_hz

    def _fill(self, block: NDArray[np.float32], heard_at_s: float) -> None:
        """Copy the next frames; runs in the device's thread."""
        frame = self._ring.read
        count = self._ring.read_into(block, self._gain)
        if count:
            self._heard = (heard_at_s, frame)
        if count < len(block) and not self._is_drained:
            self.num_gaps += 1


def render(
    reader: AudioReader, request: PlayRequest, sample_rate_hz: int
) -> Iterator[tuple[float | None, FloatArray]]:
    """Yield what is to be heard, in short pieces.

    Args:
        reader: The open recording.
        request: What to play.
        sample_rate_hz: Of the output.

    Yields:
        The time at which a new pass over the recording begins, else None; and `(n,)` samples.
    """
    start_s: float | None = request.start_s
    while start_s is not None:
        begins_s: float | None = start_s
        for samples in _one_pass(reader, request, start_s, sample_rate_hz):
            yield begins_s, samples
            begins_s = None
        start_s = request.loop_from_s
        if start_s is not None and request.end_s - start_s < BLOCK_S:
            return  # a loop of nothing would never end


def _one_pass(
    reader: AudioReader, request: PlayRequest, start_s: float, sample_rate_hz: int
) -> Iterator[FloatArray]:
    rate_hz = reader.info.sample_rate_hz
    frame = round(start_s * rate_hz)
    end = min(round(request.end_s * rate_hz), reader.info.num_frames)
    block_frames = max(round(BLOCK_S * rate_hz), 1)
    resample = soxr.ResampleStream(rate_hz, sample_rate_hz, 1, dtype="float32")
    stretch = TimeStretch(request.speed, sample_rate_hz) if request.speed != 1.0 else None
    while frame < end:
        block = reader.read(frame, min(block_frames, end - frame))
        if not len(block):
            break  # the file is shorter than it says
        frame += len(block)
        samples = resample.resample_chunk(_pick(block, request.channel), last=frame >= end)
        yield samples if stretch is None else stretch.push(samples)
    if stretch is not None:
        yield stretch.flush()


def _pick(block: FloatArray, channel: int) -> FloatArray:
    """Return one channel or the mean of all, `(n,)`, with silence for what is no sound."""
    if channel != MIX:
        first = min(channel, block.shape[1] - 1)
        block = block[:, first : first + 1]
    sound = np.where(np.abs(block) <= LARGEST_SAMPLE, block, np.float32(0.0))
    return np.ascontiguousarray(sound.mean(axis=1), np.float32)
