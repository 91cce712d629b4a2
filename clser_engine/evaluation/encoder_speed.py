"""How fast pretrained encoders of usual sizes are, against torch and the pipeline of transformers.

The weights are random: they cost what trained ones do, and need no download. Encoder and heads go
the way of every bundle; the pipeline gets the same architecture and the same recordings.
"""

import functools
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from clser_engine.backbones.registry import build_backbone
from clser_engine.backbones.transformers_encoders import quiet_transformers
from clser_engine.evaluation.speed import SAMPLE_RATE_HZ, median_cpu_s, one_core
from clser_engine.export.onnx_graph import WAVEFORM_OUTPUTS, export_waveform_graph
from clser_engine.export.parity import compare, speech_batch
from clser_engine.export.quantise import quantise_graph
from clser_engine.inference.waveform_batch import pad_batch
from clser_engine.models.encoder_classifier import EncoderClassifier
from clser_engine.runtime import RunContext
from clser_engine.types import FloatArray

CLASSES = ("anger", "happiness", "sadness", "neutral")
SIZES: dict[str, dict[str, Any]] = {
    "base": {},
    "large": {
        "hidden_size": 1024,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "intermediate_size": 4096,
        "feat_extract_norm": "layer",
        "do_stable_layer_norm": True,
        "conv_bias": True,
    },
}
"""wav2vec 2.0 base (94 million weights) and XLS-R's 300 million."""
SMALL = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 128,
    "conv_dim": (32,) * 7,
}
"""What replaces the size in a quick run; its figures mean nothing."""
PEAK_TFLOPS = {"H200": 989.0, "H100": 989.0, "A100": 312.0, "L40S": 362.0, "L4": 121.0}
"""Dense bfloat16, by the name of the card, from NVIDIA's data sheets."""
CARD_WINDOW_S = 10.0
CARD_BATCHES = (8, 32, 128)


@dataclass(frozen=True, slots=True, kw_only=True)
class Throughput:
    """What a model does with full batches.

    Args:
        audio_s_per_s: Seconds of audio in one second of the clock.
        batch: Size of the batches that did it.
        flop_per_audio_s: Floating point operations for a second of audio.
    """

    audio_s_per_s: float
    batch: int
    flop_per_audio_s: float


def build_model(size: str, quick: bool) -> EncoderClassifier:
    """Return an encoder of that size with heads, with random weights."""
    torch.manual_seed(0)
    config = {"model_type": "wav2vec2", **SIZES[size], **(SMALL if quick else {})}
    description = {
        "library": "transformers",
        "name": f"random wav2vec 2.0 {size}",
        "revision": "",
        "licence": "none",
        "fingerprint": "random",
        "config": config,
        "preprocessor": {},
    }
    return EncoderClassifier(build_backbone(description), CLASSES).eval()


def build_pipeline(model: EncoderClassifier, device: str, dtype: torch.dtype) -> Any:
    """Return the audio-classification pipeline of transformers with the same architecture."""
    import transformers

    library: Any = transformers  # its types say less than they seem to
    settings = dict(model.backbone.description["config"])
    kind = settings.pop("model_type")
    with quiet_transformers():
        config = library.AutoConfig.for_model(kind, num_labels=len(CLASSES), **settings)
        network = library.AutoModelForAudioClassification.from_config(config)
        return library.pipeline(
            "audio-classification",
            model=network.to(dtype).eval(),
            feature_extractor=library.Wav2Vec2FeatureExtractor(),
            device=device,
        )


def measure_on_processor(
    samples: Sequence[FloatArray], runs: int, quick: bool, context: RunContext
) -> tuple[dict[str, float], list[dict[str, object]]]:
    """Time the base size on one core: our graphs, torch and the pipeline.

    Returns:
        Figures and rows: `base_rtf_1core` is of the faithful graph in float32,
        `base_rtf_1core_int8` of the smaller one.
    """
    audio_s = sum(map(len, samples)) / SAMPLE_RATE_HZ
    with one_core(), tempfile.TemporaryDirectory(prefix="clser-speed-") as scratch:
        torch.set_num_threads(1)
        model = build_model("base", quick)
        path, small = Path(scratch) / "model.onnx", Path(scratch) / "int8.onnx"
        context.report("export", 0, 1)
        export_waveform_graph(model, path)
        difference = compare(model, path, [_case((40_000, 23_000)), _case((17_000,))])
        quantise_graph(path, small)
        pipe = build_pipeline(model, "cpu", torch.float32)
        works: dict[str, Callable[[], object]] = {
            "onnxruntime float32": _session_work(path, samples),
            "onnxruntime int8": _session_work(small, samples),
            "torch float32": lambda: [_torch_pass(model, [s], "cpu") for s in samples],
            "pipeline of transformers": lambda: _pipeline_pass(pipe, samples, 1),
        }
        rtf = {
            what: median_cpu_s(work, runs, context, what) / audio_s for what, work in works.items()
        }
        size_mb = {path: path.stat().st_size / 1e6, small: small.stat().st_size / 1e6}
    figures = {
        "base_rtf_1core": rtf["onnxruntime float32"],
        "base_rtf_1core_int8": rtf["onnxruntime int8"],
        "cpu_speedup_over_torch_fp32": rtf["torch float32"] / rtf["onnxruntime float32"],
        "ratio_to_pipeline_cpu": rtf["pipeline of transformers"] / rtf["onnxruntime float32"],
        "base_max_diff_to_torch": difference,
        "base_graph_mb": size_mb[path],
        "base_graph_int8_mb": size_mb[small],
    }
    rows: list[dict[str, object]] = [
        {"model": "base", "what": what, "rtf": value, "audio_s": audio_s}
        for what, value in rtf.items()
    ]
    return figures, rows


def measure_on_card(
    size: str, samples: Sequence[FloatArray], device: str, quick: bool, context: RunContext
) -> tuple[dict[str, float], list[dict[str, object]]]:
    """Measure how much audio a second of a graphics card takes, in bfloat16.

    Args:
        size: `base` or `large`.
        samples: Recordings; they are cut and joined into windows of 10 s.
        device: `cuda`, or `cpu` to try the code where there is no card.
        quick: Whether a small network stands in.
        context: Progress and cancellation.

    Returns:
        Figures and rows.
    """
    model = build_model(size, quick).to(device)
    ours = best_throughput(model, samples, device, quick, context)
    pipe = build_pipeline(model, device, torch.bfloat16 if device == "cuda" else torch.float32)
    theirs = max(_pipeline_throughput(pipe, samples, batch, quick) for batch in _batch_sizes(quick))
    figures = {
        f"gpu_audio_s_per_s_{size}": ours.audio_s_per_s,
        f"ratio_to_pipeline_gpu_{size}": ours.audio_s_per_s / theirs,
    }
    peak = next((v for n, v in PEAK_TFLOPS.items() if n in _card_name(device)), None)
    if peak is not None:
        used = ours.audio_s_per_s * ours.flop_per_audio_s
        figures[f"mfu_{size}"] = used / (peak * 1e12)
    rows: list[dict[str, object]] = [
        {"model": size, "what": "torch bfloat16", "audio_s_per_s": ours.audio_s_per_s,
         "batch": ours.batch, "gflop_per_audio_s": ours.flop_per_audio_s / 1e9},
        {"model": size, "what": "pipeline of transformers", "audio_s_per_s": theirs},
    ]  # fmt: skip
    return figures, rows


def best_throughput(
    model: nn.Module, samples: Sequence[FloatArray], device: str, quick: bool, context: RunContext
) -> Throughput:
    """Return what the best size of batches does."""
    best: Throughput | None = None
    flop = _flop_per_audio_s(model, device)
    for number, batch in enumerate(_batch_sizes(quick)):
        context.report(f"batches of {batch}", number, len(CARD_BATCHES))
        windows = windows_of(samples, batch)
        rate = _rate(functools.partial(_torch_pass, model, windows, device), windows, device)
        if best is None or rate > best.audio_s_per_s:
            best = Throughput(audio_s_per_s=rate, batch=batch, flop_per_audio_s=flop)
    assert best is not None
    return best


def end_to_end_share(
    read: Callable[[], Iterator[FloatArray]], model: nn.Module, device: str, batch: int
) -> float:
    """Return the rate with reading and decoding as a share of the rate without, 0 to 1."""
    start = time.perf_counter()
    samples = list(read())
    audio_s = sum(map(len, samples)) / SAMPLE_RATE_HZ
    for first in range(0, len(samples), batch):
        _torch_pass(model, samples[first : first + batch], device)
    with_reading = audio_s / (time.perf_counter() - start)
    start = time.perf_counter()
    for first in range(0, len(samples), batch):
        _torch_pass(model, samples[first : first + batch], device)
    return min(1.0, with_reading / (audio_s / (time.perf_counter() - start)))


def windows_of(samples: Sequence[FloatArray], count: int) -> list[FloatArray]:
    """Return that many windows of 10 s from recordings one after another, over and over."""
    size = round(CARD_WINDOW_S * SAMPLE_RATE_HZ)
    joined = np.concatenate(samples)
    joined = np.tile(joined, 1 + size * count // len(joined))
    return [joined[i * size : (i + 1) * size] for i in range(count)]


def _batch_sizes(quick: bool) -> tuple[int, ...]:
    return (1, 2) if quick else CARD_BATCHES


def _case(lengths: tuple[int, ...]) -> dict[str, torch.Tensor]:
    return dict(zip(("waveform", "lengths"), speech_batch(lengths), strict=True))


def _session_work(path: Path, samples: Sequence[FloatArray]) -> Callable[[], object]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    inputs = [dict(zip(("waveform", "lengths"), pad_batch([s], 1), strict=True)) for s in samples]
    return lambda: [session.run(list(WAVEFORM_OUTPUTS[:3]), one) for one in inputs]


def _torch_pass(model: nn.Module, samples: Sequence[FloatArray], device: str) -> object:
    waveform, lengths = (torch.from_numpy(v).to(device) for v in pad_batch(samples, 400))
    with torch.inference_mode(), _half(device):
        outputs = model(waveform, lengths)
        return [values.float().cpu() for values in outputs[:3]]


def _half(device: str) -> torch.autocast:
    return torch.autocast(device, dtype=torch.bfloat16, enabled=device == "cuda")


def _pipeline_pass(pipe: Any, samples: Sequence[FloatArray], batch: int) -> object:
    inputs = [{"raw": s, "sampling_rate": SAMPLE_RATE_HZ} for s in samples]
    return pipe(inputs, batch_size=batch)


def _pipeline_throughput(
    pipe: Any, samples: Sequence[FloatArray], batch: int, quick: bool
) -> float:
    windows = windows_of(samples, max(2, batch))
    return _rate(lambda: _pipeline_pass(pipe, windows, batch), windows, pipe.device.type)


def _rate(work: Callable[[], object], windows: Sequence[FloatArray], device: str) -> float:
    """Return seconds of audio in a second of the clock, the best of three after a warm-up."""
    audio_s = sum(map(len, windows)) / SAMPLE_RATE_HZ
    seconds = []
    for _ in range(4):
        start = time.perf_counter()
        work()
        if device == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    return audio_s / min(seconds[1:])


def _flop_per_audio_s(model: nn.Module, device: str) -> float:
    from torch.utils.flop_counter import FlopCounterMode

    window = np.zeros(round(CARD_WINDOW_S * SAMPLE_RATE_HZ), np.float32)
    with FlopCounterMode(display=False) as counter:
        _torch_pass(model, [window], device)
    return float(counter.get_total_flops()) / CARD_WINDOW_S


def _card_name(device: str) -> str:
    return torch.cuda.get_device_name() if device == "cuda" else "CPU"
