"""Sound devices through PortAudio; the library is loaded when the first sound is wanted."""

from collections.abc import Callable
from types import ModuleType
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from app.errors import PlaybackError

LATENCY_S = 0.1  # rides out 16 ms frames of drawing that hold the interpreter
NO_LIBRARY = (
    "Nothing can be played because the PortAudio library is missing; install it (on Debian:"
    " apt install libportaudio2) and start the program again."
)
NO_DEVICE = "Nothing can be played because there is no sound device; connect one and play again."

FillBlock = Callable[[NDArray[np.float32], float], None]
"""Fills a `(frames, channels)` block that is heard from a time on, in seconds of the stream."""


class Output(Protocol):
    """An open sound device; tests pass their own."""

    @property
    def sample_rate_hz(self) -> int:
        """Frames per second that it plays."""

    @property
    def time_s(self) -> float:
        """Now, on the clock of the device."""

    def start(self) -> None:
        """Begin to ask for blocks."""

    def close(self) -> None:
        """Stop at once and let the device go."""


OpenOutput = Callable[[str, FillBlock], Output]
"""Opens a device by name, empty for the system's own."""


class _BlockTimes(Protocol):
    """PortAudio's times of a block."""

    outputBufferDacTime: float  # noqa: N815  PortAudio's name


class PortAudioOutput:
    """An output device opened through sounddevice.

    Args:
        device: Its name, empty for the system's own.
        fill: Called in the audio thread for each block.

    Raises:
        PlaybackError: If the library or the device is missing, or the device refuses.
    """

    def __init__(self, device: str, fill: FillBlock) -> None:
        sounddevice = _sounddevice()
        try:
            facts = sounddevice.query_devices(device or None, "output")
        except (ValueError, sounddevice.PortAudioError) as error:
            if not device:
                raise PlaybackError(NO_DEVICE) from error
            raise PlaybackError(
                f"The sound device {device} is not there; connect it or choose another one."
            ) from error
        self.sample_rate_hz = round(facts["default_samplerate"])
        delay_s = 0.0

        def callback(
            block: NDArray[np.float32], _frames: int, times: _BlockTimes, _status: object
        ) -> None:
            fill(block, times.outputBufferDacTime or self._stream.time + delay_s)

        try:
            self._stream = sounddevice.OutputStream(
                device=device or None,
                samplerate=self.sample_rate_hz,
                channels=min(facts["max_output_channels"], 2),
                dtype="float32",
                latency=LATENCY_S,
                callback=callback,
            )
            delay_s = self._stream.latency
        except sounddevice.PortAudioError as error:
            raise PlaybackError(_refusal(device, error)) from error

    @property
    def time_s(self) -> float:
        """Now, on the clock of the device."""
        return float(self._stream.time)

    def start(self) -> None:
        """Begin to ask for blocks."""
        sounddevice = _sounddevice()
        try:
            self._stream.start()
        except sounddevice.PortAudioError as error:
            raise PlaybackError(_refusal("", error)) from error

    def close(self) -> None:
        """Stop at once and let the device go."""
        self._stream.abort(ignore_errors=True)
        self._stream.close(ignore_errors=True)


def output_devices() -> tuple[str, ...]:
    """Return the names of the output devices that are there now.

    Raises:
        PlaybackError: If the library is missing.
    """
    sounddevice = _sounddevice()
    sounddevice._terminate()  # noqa: SLF001  PortAudio lists devices once, when it begins
    sounddevice._initialize()  # noqa: SLF001
    names = [facts["name"] for facts in sounddevice.query_devices() if facts["max_output_channels"]]
    return tuple(dict.fromkeys(names))


def _sounddevice() -> ModuleType:
    try:
        import sounddevice
    except OSError as error:  # what it raises where PortAudio is missing
        raise PlaybackError(NO_LIBRARY) from error
    return cast(ModuleType, sounddevice)


def _refusal(device: str, error: Exception) -> str:
    name = device or "the system's own"
    cause = str(error).partition("[")[0].strip().rstrip(".:")
    return (
        f"The sound device ({name}) cannot be opened: {cause}; close what else uses it or choose"
        " another one."
    )
