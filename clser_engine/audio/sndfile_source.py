"""Recordings that libsndfile decodes: WAV, FLAC, Ogg, MP3, AIFF, CAF and some twenty more."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

from clser_engine.audio.source import CannotDecodeError, cut_off_notice
from clser_engine.errors import Cancelled
from clser_engine.runtime import RunContext
from clser_engine.types import AudioInfo, FloatArray

BLOCK_FRAMES = 65536
TAIL_FRAMES = 4096
FINE_FRAMES = 128
VORBIS_WARM_UP_FRAMES = 8192
"""After a jump the first few hundred Vorbis samples may be wrong: blocks overlap (two at most)."""


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
        name = os.fsencode(path) if os.name == "posix" else str(path)
        try:
            self._file = soundfile.SoundFile(name)
        except (soundfile.LibsndfileError, TypeError) as error:  # TypeError: *.raw, no header
            raise CannotDecodeError from error
        self._warm_up_frames = VORBIS_WARM_UP_FRAMES if self._file.subtype == "VORBIS" else 0
        try:
            self.info = info or self._measure(path)
        except BaseException:
            self.close()
            raise

    def read(self, start_frame: int, num_frames: int) -> FloatArray:
        """Return (frames, channels) float32; fewer frames than asked for at the end."""
        num_frames = max(0, min(num_frames, self._file.frames - start_frame))
        if num_frames == 0:
            return np.zeros((0, self._file.channels), np.float32)
        try:
            if self._file.tell() != start_frame:
                warm_up_frames = min(self._warm_up_frames, start_frame)
                self._file.seek(start_frame - warm_up_frames)
                self._decode(warm_up_frames)
            return self._decode(num_frames)
        except soundfile.LibsndfileError:
            return self._read_up_to_damage(start_frame, num_frames)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _decode(self, num_frames: int) -> FloatArray:
        samples: FloatArray = self._file.read(num_frames, dtype="float32", always_2d=True)
        return samples

    def _read_up_to_damage(self, start_frame: int, num_frames: int) -> FloatArray:
        """Read in small steps: an error loses the whole read, also what was good before it."""
        pieces = [np.zeros((0, self._file.channels), np.float32)]
        try:
            self._file.seek(start_frame)
            while num_frames > 0 and len(piece := self._decode(min(FINE_FRAMES, num_frames))):
                pieces.append(piece)
                num_frames -= len(piece)
        except soundfile.LibsndfileError:
            pass
        return np.concatenate(pieces)

    def _measure(self, path: Path) -> AudioInfo:
        """Return what the file is, its frames counted where the header lies."""
        file = self._file
        claimed = file.frames
        num_frames = claimed if self._has_tail(claimed) else sum(self._count())
        if num_frames == 0:
            raise CannotDecodeError(claimed / file.samplerate)
        return AudioInfo(
            path=path,
            sample_rate_hz=file.samplerate,
            channels=file.channels,
            num_frames=num_frames,
            container=file.format,
            codec=file.subtype,
            decoder="libsndfile",
            notice=cut_off_notice(path, claimed / file.samplerate, num_frames / file.samplerate),
        )

    def _has_tail(self, claimed: int) -> bool:
        """Whether the last frames that the header claims can be read."""
        tail_frames = min(TAIL_FRAMES, claimed)
        try:
            self._file.seek(claimed - tail_frames)
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
