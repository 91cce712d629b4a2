"""Recordings that the ffmpeg program decodes, where it is installed: M4A, WMA, video and more.

ffmpeg runs as a child process that writes float samples into a pipe, so that a decoder which
crashes or hangs takes nothing else with it. It never asks (`-nostdin`), never uses a shell or the
network, and a file name is only ever a local file (`file:` and a whitelist of protocols).
"""

import json
import os
import selectors
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np

from clser_engine.audio.source import CannotDecodeError, cut_off_notice
from clser_engine.errors import AudioError, Cancelled
from clser_engine.runtime import RunContext
from clser_engine.types import AudioInfo, FloatArray

COUNTED_S = 600.0
"""A longer recording is not decoded just to count it (that takes about 2 s an hour)."""
POLL_S = 0.1
PATIENCE_S = 30.0
BLOCK_BYTES = 1 << 18
BYTES_PER_SAMPLE = 4
SKIP_S = 20.0
"""A jump ahead of less than this is decoded and dropped; a new process would take longer."""
WARM_UP_S = 0.5
"""Decoded and dropped after a jump: the first frame of a codec needs those before it."""
EXACT_SEEK_CONTAINERS = ("mov,mp4,m4a,3gp,3g2,mj2",)
"""Containers where ffmpeg jumps to the very sample; in others it is off by up to 0.1 s."""

_LOCAL_FILES_ONLY = ("-protocol_whitelist", "file,pipe")
_FIELDS = "stream=codec_name,sample_rate,channels,duration:format=format_name,duration"


def has_ffmpeg() -> bool:
    """Whether the programs ffmpeg and ffprobe are installed."""
    return shutil.which("ffmpeg") is not None and shutil.which("ffprobe") is not None


class FfmpegSource:
    """A recording that ffmpeg decodes.

    Args:
        path: The file.
        info: What is known of it already, which spares probing and counting again.
        context: Cancels waiting for ffmpeg.

    Raises:
        CannotDecodeError: If there is no ffmpeg, it does not open the file or decodes no sample.
        AudioError: If ffmpeg does not answer.
    """

    def __init__(
        self, path: Path, info: AudioInfo | None = None, context: RunContext | None = None
    ) -> None:
        if not has_ffmpeg():
            raise CannotDecodeError
        self._path = path
        self._context = context
        self._pipe: _SamplePipe | None = None
        self._position = 0
        try:
            self.info = info or self._measure(_probe(path, context))
        except BaseException:
            self.close()
            raise

    def read(self, start_frame: int, num_frames: int) -> FloatArray:
        """Return (frames, channels) float32; fewer frames than asked for at the end."""
        ahead = start_frame - self._position
        if self._pipe is None or ahead < 0 or ahead > SKIP_S * self.info.sample_rate_hz:
            self._restart(start_frame)
        while self._pipe is not None and self._position < start_frame:
            skipped = len(self._pipe.read(min(start_frame - self._position, 65536)))
            if skipped == 0:
                break
            self._position += skipped
        if self._pipe is None or self._position != start_frame:
            return np.zeros((0, self.info.channels), np.float32)
        samples = self._pipe.read(num_frames)
        self._position += len(samples)
        return samples

    def close(self) -> None:
        """Stop ffmpeg."""
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None

    def _restart(self, start_frame: int) -> None:
        self.close()
        rate = self.info.sample_rate_hz
        first_frame = 0
        if self.info.container in EXACT_SEEK_CONTAINERS:
            first_frame = max(0, start_frame - round(WARM_UP_S * rate))
        self._pipe = _SamplePipe(self._path, self.info, first_frame / rate, self._context)
        self._position = first_frame

    def _measure(self, claim: AudioInfo) -> AudioInfo:
        """Return the facts with frames counted, unless that takes long."""
        self.info = claim
        claimed_s = claim.duration_s
        if claimed_s > COUNTED_S and len(self.read(0, 1)):
            return claim
        num_frames = 0
        while block := len(self.read(num_frames, 65536)):
            num_frames += block
        self.close()
        if num_frames == 0:
            raise CannotDecodeError(claimed_s)
        return AudioInfo(
            path=claim.path,
            sample_rate_hz=claim.sample_rate_hz,
            channels=claim.channels,
            num_frames=num_frames,
            container=claim.container,
            codec=claim.codec,
            decoder="ffmpeg",
            notice=cut_off_notice(claim.path, claimed_s, num_frames / claim.sample_rate_hz),
        )


class _SamplePipe:
    """A running ffmpeg and the samples that come out of it.

    Args:
        path: The file.
        info: Its rate and channels.
        start_s: Where to begin in seconds.
        context: Cancels waiting.
    """

    def __init__(
        self, path: Path, info: AudioInfo, start_s: float, context: RunContext | None
    ) -> None:
        self._path = path
        self._channels = info.channels
        self._context = context
        self._rest = b""
        jump = ["-ss", f"{start_s:.9f}"] if start_s > 0 else []
        self._process = _start(
            ["ffmpeg", "-nostdin", "-v", "quiet", *_LOCAL_FILES_ONLY, *jump],
            path,
            ["-map", "0:a:0", *_as_floats(info), "pipe:1"],
        )

    def read(self, num_frames: int) -> FloatArray:
        """Return (frames, channels) float32; fewer frames than asked for at the end."""
        frame_bytes = self._channels * BYTES_PER_SAMPLE
        wanted = num_frames * frame_bytes
        pieces, have = [self._rest], len(self._rest)
        while have < wanted and (piece := _read_some(self._process, self._path, self._context)):
            pieces.append(piece)
            have += len(piece)
        data = b"".join(pieces)
        end = min(wanted, len(data) - len(data) % frame_bytes)
        self._rest = data[end:]
        samples = np.frombuffer(data[:end], "<f4").astype(np.float32)
        return samples.reshape(-1, self._channels)

    def close(self) -> None:
        """Kill ffmpeg and wait until it is gone."""
        _stop(self._process)


def _probe(path: Path, context: RunContext | None) -> AudioInfo:
    """Return what ffprobe says of the first audio stream; its length is a claim."""
    process = _start(
        ["ffprobe", "-v", "quiet", *_LOCAL_FILES_ONLY],
        path,
        ["-select_streams", "a:0", "-of", "json", "-show_entries", _FIELDS],
    )
    try:
        output = b""
        while piece := _read_some(process, path, context):
            output += piece
    finally:
        _stop(process)
    try:
        # Any: ffprobe's answer is checked field by field below.
        answer: dict[str, Any] = json.loads(output)
        stream = answer["streams"][0]
        sample_rate_hz, channels = int(stream["sample_rate"]), int(stream["channels"])
        container, codec = str(answer["format"]["format_name"]), str(stream["codec_name"])
        claimed_s = float(stream.get("duration") or answer["format"].get("duration") or 0.0)
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise CannotDecodeError from error
    if sample_rate_hz <= 0 or channels <= 0:
        raise CannotDecodeError
    return AudioInfo(
        path=path,
        sample_rate_hz=sample_rate_hz,
        channels=channels,
        num_frames=max(0, round(claimed_s * sample_rate_hz)),
        container=container,
        codec=codec,
        decoder="ffmpeg",
        is_estimated=True,
    )


def _as_floats(info: AudioInfo) -> list[str]:
    rate, channels = str(info.sample_rate_hz), str(info.channels)
    return ["-ar", rate, "-ac", channels, "-f", "f32le", "-c:a", "pcm_f32le"]


def _start(before: list[str], path: Path, after: list[str]) -> subprocess.Popen[bytes]:
    """Start a program with the file as its only input; a Ctrl-C in the terminal is not for it."""
    program, *options = before
    name = b"file:" + os.fsencode(path.absolute())
    arguments: list[str | bytes] = [shutil.which(program) or program, *options, "-i"]
    arguments += [name if os.name == "posix" else name.decode(), *after]
    return subprocess.Popen(
        arguments,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        start_new_session=True,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )


def _read_some(process: subprocess.Popen[bytes], path: Path, context: RunContext | None) -> bytes:
    """Return some output, or nothing at its end."""
    assert process.stdout is not None
    if os.name == "posix":  # Windows cannot wait for a pipe with a time limit
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            waited_s = 0.0
            while not selector.select(POLL_S):
                if context is not None and context.cancel_requested:
                    raise Cancelled("read")
                waited_s += POLL_S
                if waited_s > PATIENCE_S:
                    raise AudioError(
                        f"{path} keeps ffmpeg busy for more than {PATIENCE_S:.0f} s without a "
                        "result; convert it to WAV or FLAC."
                    )
    if context is not None and context.cancel_requested:
        raise Cancelled("read")
    return os.read(process.stdout.fileno(), BLOCK_BYTES)


def _stop(process: subprocess.Popen[bytes]) -> None:
    assert process.stdout is not None
    process.kill()
    process.stdout.close()
    process.wait()
