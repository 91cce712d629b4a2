"""What a model runs on: the processor or a graphics card, and why not the latter.

Cards are counted through NVIDIA's driver itself, so that neither torch nor onnxruntime has to be
loaded to know that there is none: torch takes seconds, and onnxruntime prints an error when it is
asked for CUDA in vain.
"""

import contextlib
import ctypes
import io
import logging
import os
import sys
import threading
from dataclasses import dataclass
from typing import Any, Literal

from clser_engine.errors import BadValueError, DeviceError

logger = logging.getLogger(__name__)

Device = Literal["auto", "cpu", "cuda"]
PROCESSOR = "CPU"
MAX_THREADS = 4  # a small model gains nothing from more, and the window needs cores too
ENCODER_THREADS = 16
_DRIVER = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
_NAME_BYTES = 256
_preload = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphicsCards:
    """What the driver says.

    Args:
        names: Of the cards that it may use, in its order.
        reason: Why there are none, as part of a sentence; empty if there are.
    """

    names: tuple[str, ...]
    reason: str = ""


def find_cards() -> GraphicsCards:
    """Ask NVIDIA's driver for its graphics cards."""
    if sys.platform == "darwin":
        return GraphicsCards(names=(), reason="macOS has no CUDA")
    try:
        driver = ctypes.CDLL(_DRIVER)
    except OSError:
        return GraphicsCards(names=(), reason=f"no NVIDIA driver was found ({_DRIVER})")
    return _ask(driver)


def _ask(driver: Any) -> GraphicsCards:
    status, count = driver.cuInit(0), ctypes.c_int()
    if status == 0:
        status = driver.cuDeviceGetCount(ctypes.byref(count))
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    if status != 0 or count.value == 0:
        reason = "the NVIDIA driver finds no graphics card"
        if status not in (0, 100):  # 100 is "no device"
            reason = f"the NVIDIA driver does not start (error {status})"
        if hidden is not None:
            reason += f" with CUDA_VISIBLE_DEVICES={hidden!r}"
        return GraphicsCards(names=(), reason=reason)
    names = []
    for number in range(count.value):
        handle, name = ctypes.c_int(), ctypes.create_string_buffer(_NAME_BYTES)
        driver.cuDeviceGet(ctypes.byref(handle), number)
        driver.cuDeviceGetName(name, _NAME_BYTES, handle)
        names.append(name.value.decode(errors="replace"))
    return GraphicsCards(names=tuple(names))


def check_device(device: str) -> Device:
    """Return the name of a device.

    Raises:
        BadValueError: If it is none.
    """
    for known in ("auto", "cpu", "cuda"):
        if device == known:
            return known
    raise BadValueError(f"Bad device: got {device!r}, expected 'auto', 'cpu' or 'cuda'.")


def wants_card(device: Device, kind: str) -> bool:
    """Return whether a model should go to the graphics card.

    `auto` takes the card for a pretrained encoder, which costs 14 GFLOP for each second of audio or
    more, and never for the compact model: one core runs that hundreds of times faster than real
    time, its hundreds of small operations would each wait for the card, and the card is left to
    whoever needs it.

    Args:
        device: What was asked for.
        kind: Of the bundle: `compact` or `encoder`.

    Raises:
        DeviceError: If the card was asked for by name and there is none.
    """
    if device == "cpu" or (device == "auto" and kind != "encoder"):
        return False
    cards = find_cards()
    if not cards.names and device == "cuda":
        raise DeviceError(
            f"There is no CUDA device to run on: {cards.reason}; choose 'cpu' or 'auto', or let "
            f"`clser doctor` look."
        )
    return bool(cards.names)


def load_cuda_libraries() -> None:
    """Load the CUDA libraries that came with torch, which onnxruntime does not find by itself."""
    import onnxruntime

    words = io.StringIO()
    with _preload, contextlib.redirect_stdout(words):
        onnxruntime.preload_dlls()
    for line in words.getvalue().splitlines():
        logger.info("onnxruntime: %s", line)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether torch or onnxruntime failed because the card's memory is full."""
    words = str(error).lower()
    return any(
        part in words
        for part in ("out of memory", "failed to allocate memory", "alloc_failed", "bfcarena")
    )


def thread_count(most: int = MAX_THREADS) -> int:
    """Return how many threads inference may use; `OMP_NUM_THREADS` lowers it."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    limit = int(wanted) if wanted.isdigit() and int(wanted) > 0 else most
    return max(1, min(usable or 1, limit, most))
