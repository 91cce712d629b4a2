"""Graphs with the weights of matrix products in eight bits: a third of the size, and quicker.

Only products are quantised, per channel, with the range of what goes in measured on each run.
Convolutions stay as they are: onnxruntime's in eight bits take twice the time of float32.
"""

import contextlib
import logging
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from clser_engine.bundle import CARD, SUFFIX, ModelCard, load_card, write_card
from clser_engine.data.manifest import Utterance
from clser_engine.errors import BadValueError, ExportError
from clser_engine.evaluation.evaluate import evaluate
from clser_engine.inference.predictor import Predictor, load_predictor
from clser_engine.runtime import RunContext

MOST_LOSS = 0.5  # points of UAR
KEPT_EXACT = ("/descriptors/", "/functionals/")  # transforms of the compact model, not learned
TIMED_RECORDINGS = 20
GRAPHS, WEIGHTS = ("model.onnx", "head.onnx"), "weights.safetensors"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantised:
    """What became of a bundle.

    Args:
        uar: Of the bundle as it was and in eight bits, percent.
        megabytes: Of its graphs before and after.
        rtf: Processor seconds per second of audio before and after.
        clips: Recordings that the UAR rests on.
    """

    uar: tuple[float, float]
    megabytes: tuple[float, float]
    rtf: tuple[float, float]
    clips: int


def quantise_graph(path: Path, out: Path) -> None:
    """Write a graph whose products by constant matrices are in eight bits.

    Args:
        path: A graph of a bundle.
        out: Where it goes.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    graph = onnx.load(path).graph
    matrices = {weights.name for weights in graph.initializer if len(weights.dims) == 2}
    exact = [
        node.name
        for node in graph.node
        if node.name.startswith(KEPT_EXACT) or not matrices.intersection(node.input)
    ]
    with _quiet():
        quantize_dynamic(
            path,
            out,
            op_types_to_quantize=["MatMul", "Gemm"],
            per_channel=True,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=exact,
        )


def quantise_bundle(
    model: str | Path, out: Path, utterances: Sequence[Utterance], context: RunContext
) -> Quantised:
    """Write a bundle with graphs in eight bits, if it judges as well as the one it is made from.

    The new bundle has no weights for torch.

    Args:
        model: Name or folder of a bundle.
        out: Folder that ends in `.clser-model`; it must not exist.
        utterances: Labelled recordings to compare the two on, of a corpus that the model was not
            trained on.
        context: Progress and cancellation.

    Raises:
        BadValueError: If the folder exists or has another name, or the recordings are the model's.
        ExportError: If the UAR falls by more than half a point.
    """
    if out.suffix != SUFFIX:
        raise BadValueError(f"Bad folder: got {out.name!r}, expected a name ending in {SUFFIX}.")
    if out.exists():
        raise BadValueError(f"The folder {out} exists; name another one.")
    before = load_predictor(model, device="cpu")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".bundle-") as scratch:
        new = Path(scratch) / out.name
        new.mkdir()
        _write(before.card, new)
        after = load_predictor(new, device="cpu")
        figures = [
            evaluate(predictor, utterances, context=context).figures
            for predictor in (before, after)
        ]
        result = Quantised(
            uar=_pair(lambda i: figures[i]["uar"]),
            megabytes=_pair(lambda i: _megabytes((before, after)[i].card)),
            rtf=_pair(lambda i: _rtf((before, after)[i], utterances[:TIMED_RECORDINGS])),
            clips=int(figures[0]["clips"]),
        )
        if result.uar[1] < result.uar[0] - MOST_LOSS:
            raise ExportError(
                f"Eight bits lower the UAR of {before.card.model_id.name!r} from "
                f"{result.uar[0]:.1f} to {result.uar[1]:.1f} on {result.clips} recordings, more "
                f"than {MOST_LOSS}; {out.name} was not written."
            )
        _write_card(before.card, new, result)
        new.rename(out)
    return result


def _write(card: ModelCard, folder: Path) -> None:
    for name in GRAPHS:
        quantise_graph(card.folder / name, folder / name)
    for path in card.folder.iterdir():
        # What is learned about groups and familiarity stays as it is; weights for torch do not.
        if path.name not in (*GRAPHS, WEIGHTS, CARD):
            shutil.copy(path, folder / path.name)
    write_card(folder, {**card.values, "name": f"{card.model_id.name}-int8"})


def _write_card(card: ModelCard, folder: Path, result: Quantised) -> None:
    write_card(
        folder,
        {
            **card.values,
            "name": f"{card.model_id.name}-int8",
            "quantised": {
                "from": str(card.model_id),
                "how": "int8 weights of matrix products, per channel, ranges of inputs on each run",
                "uar_before": round(result.uar[0], 2),
                "uar_after": round(result.uar[1], 2),
                "clips": result.clips,
            },
        },
    )
    load_card(folder)


def _pair(of: Callable[[int], float]) -> tuple[float, float]:
    return of(0), of(1)


def _megabytes(card: ModelCard) -> float:
    return sum((card.folder / name).stat().st_size for name in GRAPHS) / 1e6


def _rtf(predictor: Predictor, utterances: Sequence[Utterance]) -> float:
    """Return processor seconds per second of audio, the better of two rounds."""
    seconds = []
    for _ in range(2):
        start, audio_s = time.process_time(), 0.0
        for utterance in utterances:
            with contextlib.suppress(Exception):  # what cannot be read was reported before
                audio_s += predictor.analyze(utterance.path).duration_s
        seconds.append((time.process_time() - start) / max(audio_s, 1e-3))
    return min(seconds)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the library's advice, which does not apply to dynamic ranges, out of the log."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
