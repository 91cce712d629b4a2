"""Recordings that libsndfile decodes: WAV, FLAC, Ogg, MP3, AIFF, CAF and some twenty more."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

from clser_engine.audio.source import CannotDecodeError, cut_off_notice
from clser_engine.audio.wav_header import share_present
from clser_engine.errors import Cancelled
from clser_engine.runtime import RunContext
from clser_engine.types import AudioInfo, FloatArray

BLOCK_FRAMES = 65536
TAIL_FRAMES = 4096
UNKNOWN_FRAMES = 2**63 - 1
MP3_WARM_UP_FRAMES = 16384
"""Decoded and dropped after a jump: an MP3 frame uses bits of frames before it, 21 at most."""


class _SteadyFile(soundfile.SoundFile):  # type: ignore[misc]  # soundfile ships no types
    """A file that is not moved behind the caller's back.

    soundfile seeks to where it already is after each read of a file that can seek. That resets
    the decoder of MP3 and Vorbis and makes a short glitch at every border between two blocks.
    """

    def seekable(self) -> bool:
        """Say no, so that only our own `seek` calls seek."""
        return False


class SndfileSource:
    """A recording opened by libsndfile.

    Args:
        path: The file.
        info: What is known of it already, which spares counting again.
        context: Cancels a long count.

    Raises:
        CannotDecodeError: If libsndfile does not open it or reads no sample.
    """

    def __init__(
        self, path: Path, info: AudioInfo | None = None, context: RunContext | None = None
    ) -> None:
        self._context = context
        # Bytes on POSIX: a file name there need not be text.
        self._name = os.fsencode(path) if os.name == "posix" else str(path)
        try:
            self._file = _SteadyFile(self._name)
        except (soundfile.LibsndfileError, TypeError) as error:  # TypeError: *.raw, no header
            raise CannotDecodeError from error
        self._num_frames: int | None = None  # until measured
        self._position: int | None = 0  # not asked of the file: one that cannot seek cannot tell
        self._is_vorbis = self._file.subtype == "VORBIS"
        self._is_mp3 = self._file.subtype.startswith("MPEG")
        try:
            self.info = info or self._measure(path)
            self._num_frames = self.info.num_frames
        except BaseException:
            self.close()
            raise

    def read(self, start_frame: int, num_frames: int) -> FloatArray:
        """Return (frames, channels) float32; fewer frames than asked for at the end."""
        if self._num_frames is not None:
            num_frames = max(0, min(num_frames, self._num_frames - start_frame))
        if num_frames and self._go_to(start_frame):
            return self._decode(num_frames)
        return np.zeros((0, self._file.channels), np.float32)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _go_to(self, start_frame: int) -> bool:
        """Make `start_frame` the next to be decoded; return whether that was possible."""
        if self._position == start_frame:
            return True
        warm_up_frames = min(MP3_WARM_UP_FRAMES, start_frame) if self._is_mp3 else 0
        try:
            self._jump_to(start_frame - warm_up_frames)
        except soundfile.LibsndfileError:  # GSM 6.10 and FLAC behind a tag only go forward
            return self._go_to_by_decoding(start_frame)
        self._decode(warm_up_frames)
        return self._position == start_frame

    def _go_to_by_decoding(self, start_frame: int) -> bool:
        self._file.close()
        try:
            self._file = _SteadyFile(self._name)
        except soundfile.LibsndfileError:  # it was removed meanwhile
            return False
        self._position = 0
        for skipped in range(0, start_frame, BLOCK_FRAMES):
            self._decode(min(BLOCK_FRAMES, start_frame - skipped))
        return self._position == start_frame

    def _jump_to(self, frame: int) -> None:
        self._position = None
        if self._is_vorbis:  # else libsndfile 1.2 sometimes lands half a block beside the frame
            self._file.seek(0)
        self._file.seek(frame)
        self._position = frame

    def _decode(self, num_frames: int) -> FloatArray:
        """Return what can be read from here on; behind damage the position is lost."""
        position, self._position = self._position, None
        samples: FloatArray = np.full((num_frames, self._file.channels), np.nan, np.float32)
        try:
            samples = self._file.read(out=samples)
        except soundfile.LibsndfileError:
            # It does not tell how much was decoded before the error: what is no longer NaN.
            untouched = np.flatnonzero(np.isnan(samples).any(axis=1))
            return samples[: untouched[0]] if len(untouched) else samples
        if position is not None:
            self._position = position + len(samples)
        return samples

    def _measure(self, path: Path) -> AudioInfo:
        """Return what the file is, its frames counted where the header lies."""
        claimed = self._claimed_frames()
        if claimed is not None and self._has_tail(claimed):
            num_frames = claimed
        else:
            num_frames = sum(self._count())
        file = self._file  # counting may have opened it anew
        claimed_s = None if claimed is None else claimed / file.samplerate
        if num_frames == 0:
            raise CannotDecodeError(claimed_s)
        read_s = num_frames / file.samplerate
        if file.format in ("WAV", "WAVEX"):  # libsndfile has adapted the claim to the file
            claimed_s = max(claimed_s or 0.0, read_s / max(share_present(path), 1e-9))
        notice = cut_off_notice(path, claimed_s or 0.0, read_s)
        return AudioInfo(
            path=path,
            sample_rate_hz=file.samplerate,
            channels=file.channels,
            num_frames=num_frames,
            container=file.format,
            codec=file.subtype,
            decoder="libsndfile",
            notice=notice,
        )

    def _claimed_frames(self) -> int | None:
        frames: int = self._file.frames  # in damaged files below 0 or the largest number there is
        return frames if 0 <= frames < UNKNOWN_FRAMES else None

    def _has_tail(self, claimed: int) -> bool:
        """Whether the last frames that the header claims can be read."""
        tail_frames = min(TAIL_FRAMES, claimed)
        try:
            self._jump_to(claimed - tail_frames)
            return len(self._decode(tail_frames)) == tail_frames
        except soundfile.LibsndfileError:
            return False

    def _count(self) -> Iterator[int]:
        """Yield the length of each block that can be read."""
        start_frame = 0
        while True:
            if self._context is not None and self._context.cancel_requested:
                raise Cancelled("read")
            block = self.read(start_frame, BLOCK_FRAMES)
            yield len(block)
            start_frame += len(block)
            if len(block) < BLOCK_FRAMES:
                return
