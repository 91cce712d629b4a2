"""Numbers as text that reads back as exactly the same number."""

import numpy as np

from clser_engine.types import FloatArray


def to_float_lists(values: FloatArray) -> list[list[float]]:
    """Return float32 values as the shortest decimal numbers that stand for them.

    `float(np.float32(0.1))` is 0.10000000149011612; the decimal 0.1 is the same float32 and a
    third of the characters in a file.

    Args:
        values: (T, C) float32.
    """
    rows: list[list[float]] = np.asarray(values, np.float32).astype("U").astype(float).tolist()
    return rows
