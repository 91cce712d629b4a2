"""Every architecture becomes an ONNX graph with free batch and time that gives the same frames."""

import warnings

import numpy as np
import onnxruntime
import pytest
import torch

from clser_engine.backbones.registry import COMPACT, load_backbone
from tests.tiny_checkpoints import NAMES

SHAPES = ((16_000,), (23_457, 9_001), (31_000, 700, 12_345), (48_000, 47_999))


class Frames(torch.nn.Module):
    """All layers and the mask, as plain outputs."""

    def __init__(self, backbone) -> None:
        super().__init__()
        self.backbone = backbone

    def forward(self, waveform: torch.Tensor, lengths: torch.Tensor):
        encoded = self.backbone(waveform, lengths)
        return torch.stack(encoded.layers, dim=1), encoded.mask


@pytest.mark.parametrize("name", [*NAMES, COMPACT])
def test_the_graph_gives_the_frames_of_torch_on_shapes_it_has_not_seen(
    name, tiny_checkpoint, tmp_path
):
    model = Frames(load_backbone(COMPACT if name == COMPACT else tiny_checkpoint(name)))
    generator = torch.Generator().manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer warns of its age and of fixed shapes
        torch.onnx.export(
            model,
            (torch.randn(2, 24_001, generator=generator), torch.tensor([24_001, 15_000])),
            str(tmp_path / "frames.onnx"),
            input_names=["waveform", "lengths"],
            output_names=["layers", "mask"],
            dynamic_axes={
                "waveform": {0: "batch", 1: "samples"},
                "lengths": {0: "batch"},
                "layers": {0: "batch", 2: "frames"},
                "mask": {0: "batch", 1: "frames"},
            },
            opset_version=18,
            dynamo=False,
        )
    session = onnxruntime.InferenceSession(
        str(tmp_path / "frames.onnx"), providers=["CPUExecutionProvider"]
    )

    for lengths in SHAPES:
        waveform = 0.3 * torch.randn(len(lengths), max(lengths), generator=generator)
        with torch.inference_mode():
            layers, mask = model(waveform, torch.tensor(lengths))
        found_layers, found_mask = session.run(
            None, {"waveform": waveform.numpy(), "lengths": np.array(lengths)}
        )
        assert np.array_equal(found_mask, mask.numpy())
        real = mask[:, None, :, None].expand_as(layers).numpy()
        difference = np.abs(found_layers - layers.numpy())[real].max()
        assert difference < 1e-4, (lengths, difference)
