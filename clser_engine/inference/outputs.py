"""What one pass of a model over a recording gives.

Shapes: N samples, T frames, C classes, D functionals, K descriptors.
"""

from typing import NamedTuple

from clser_engine.types import FloatArray

SUMMARY_GRAPH = "functionals.onnx"  # from descriptors of a stretch to its functionals


class Outputs(NamedTuple):
    """Outputs for one recording.

    Attributes:
        posteriors: (T, C) of frames.
        speech: (T,) how likely somebody speaks.
        functionals: (D,) of the whole recording.
        descriptors: (2 T, K) from which functionals of a part can be computed; None where a model
            has none, and a part has to go through it again.
    """

    posteriors: FloatArray
    speech: FloatArray
    functionals: FloatArray
    descriptors: FloatArray | None = None
