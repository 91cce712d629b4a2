"""Tests of clser_engine.inference.devices."""

import ctypes

import pytest

from clser_engine.errors import DeviceError
from clser_engine.inference import devices
from clser_engine.inference.devices import (
    GraphicsCards,
    _ask,
    find_cards,
    is_out_of_memory,
    thread_count,
    wants_card,
)


class Driver:
    """The five calls of NVIDIA's driver that are made."""

    def __init__(self, names, init=0):
        self.names = names
        self.init = init

    def cuInit(self, flags):  # noqa: N802
        return self.init

    def cuDeviceGetCount(self, count):  # noqa: N802
        ctypes.cast(count, ctypes.POINTER(ctypes.c_int))[0] = len(self.names)
        return 0

    def cuDeviceGet(self, handle, number):  # noqa: N802
        ctypes.cast(handle, ctypes.POINTER(ctypes.c_int))[0] = number
        return 0

    def cuDeviceGetName(self, name, size, handle):  # noqa: N802
        name.value = self.names[handle.value].encode()[: size - 1]
        return 0


def test_cards_are_named_in_the_order_of_the_driver():
    assert _ask(Driver(["NVIDIA A", "NVIDIA B"])).names == ("NVIDIA A", "NVIDIA B")


def test_a_missing_driver_or_card_is_told_apart(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    nothing = "the NVIDIA driver finds no graphics card"
    assert _ask(Driver([])).reason == nothing
    assert _ask(Driver([], init=100)).reason == nothing
    assert _ask(Driver([], init=803)).reason == "the NVIDIA driver does not start (error 803)"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert _ask(Driver([])).reason == f"{nothing} with CUDA_VISIBLE_DEVICES=''"
    monkeypatch.setattr(devices, "_DRIVER", "libnosuchdriver.so.1")
    assert find_cards().reason == "no NVIDIA driver was found (libnosuchdriver.so.1)"
    assert find_cards().names == ()


def test_auto_takes_the_card_for_encoders_alone(monkeypatch):
    monkeypatch.setattr(devices, "find_cards", lambda: GraphicsCards(names=("NVIDIA A",)))
    assert [wants_card("auto", kind) for kind in ("compact", "encoder")] == [False, True]
    assert [wants_card("cuda", kind) for kind in ("compact", "encoder")] == [True, True]
    assert [wants_card("cpu", kind) for kind in ("compact", "encoder")] == [False, False]
    monkeypatch.setattr(devices, "find_cards", lambda: GraphicsCards(names=(), reason="none here"))
    assert not wants_card("auto", "encoder")
    with pytest.raises(DeviceError, match="There is no CUDA device to run on: none here; choose"):
        wants_card("cuda", "encoder")


@pytest.mark.parametrize(
    ("words", "full"),
    [
        ("CUDA out of memory. Tried to allocate 2.00 GiB", True),
        ("Failed to allocate memory for requested buffer of size 400", True),
        ("CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED", True),
        ("Non-zero status code returned while running MatMul node", False),
    ],
)
def test_full_memory_is_known_by_its_words(words, full):
    assert is_out_of_memory(RuntimeError(words)) is full


def test_the_environment_lowers_threads_and_never_below_one(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert thread_count() == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "0")
    assert 1 <= thread_count(2) <= 2
