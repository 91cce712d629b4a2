"""The device of a test: the processor always, and a graphics card where there is one."""

import pytest

from clser_engine.inference.devices import find_cards


@pytest.fixture(params=["cpu", "cuda"])
def device(request):
    """`cpu`, so that the tests' own code is run everywhere, and `cuda`."""
    cards = find_cards()
    if request.param == "cuda" and not cards.names:
        pytest.skip(f"needs a graphics card: {cards.reason}")
    return request.param


@pytest.fixture
def device_name(device):
    """What a person calls the device."""
    return find_cards().names[0] if device == "cuda" else "CPU"
