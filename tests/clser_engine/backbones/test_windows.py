"""Long recordings in windows: every frame once, where it belongs, in bounded memory."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from clser_engine.backbones.registry import COMPACT, load_backbone
from clser_engine.backbones.windows import encode_in_windows, encoded_parts, window_spans
from clser_engine.errors import BadValueError, Cancelled
from clser_engine.runtime import RunContext
from tests.tiny_checkpoints import NAMES


def recording(num_samples: int) -> torch.Tensor:
    return 0.3 * torch.randn(num_samples, generator=torch.Generator().manual_seed(5))


@given(
    num_samples=st.integers(400, 60_000),
    window=st.integers(1, 40),
    margin=st.integers(0, 19),
    shape=st.sampled_from([(320, 400), (320, 560), (320, 1), (640, 1)]),
)
@settings(max_examples=300, deadline=None)
def test_kept_frames_are_all_frames_once(num_samples, window, margin, shape):
    hop, least = shape
    if 2 * margin >= window or num_samples < least:
        return

    def num_frames(samples: int) -> int:
        return -(-samples // hop) if least == 1 else (samples - least) // hop + 1

    kept = []
    for begin, end, skip, keep in window_spans(num_samples, hop, least, window, margin):
        assert begin % hop == 0
        assert end <= num_samples
        size = num_frames(end - begin)
        assert size <= window
        last = size if keep is None else keep
        assert last <= size
        kept += [begin // hop + frame for frame in range(skip, last)]

    assert kept == list(range(num_frames(num_samples)))


@pytest.mark.parametrize("name", [*NAMES, COMPACT])
def test_a_short_recording_is_encoded_as_ever(name, tiny_checkpoint):
    backbone = load_backbone(COMPACT if name == COMPACT else tiny_checkpoint(name))
    waveform = recording(20_000)

    encoded = encode_in_windows(backbone, waveform)

    whole = backbone(waveform[None])
    assert torch.equal(encoded.mask, whole.mask)
    for a, b in zip(encoded.layers, whole.layers, strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", [*NAMES, COMPACT])
def test_windows_join_to_as_many_frames_as_one_pass(name, tiny_checkpoint):
    backbone = load_backbone(COMPACT if name == COMPACT else tiny_checkpoint(name))
    waveform = recording(70_001)

    encoded = encode_in_windows(backbone, waveform, window_s=1.2, context_s=0.2)

    assert encoded.layers[0].shape == backbone(waveform[None]).layers[0].shape


def test_the_first_layer_is_that_of_one_pass_where_nothing_reaches_far(tiny_checkpoint):
    """Without normalisation by recording, convolutions alone see no window but their own reach."""
    backbone = load_backbone(tiny_checkpoint("wavlm-large"))
    backbone.encoder.variance_floor = None
    waveform = recording(80_000)

    encoded = encode_in_windows(backbone, waveform, window_s=1.5, context_s=0.4)

    whole = backbone(waveform[None])
    torch.testing.assert_close(encoded.layers[0], whole.layers[0], atol=1e-5, rtol=1e-5)


def test_the_compact_backbone_in_windows_is_exact():
    backbone = load_backbone(COMPACT)
    for block in backbone.encoder.blocks:
        torch.nn.init.normal_(block.pointwise.weight, std=0.05)
    waveform = recording(16_000 * 70)

    encoded = encode_in_windows(backbone, waveform)

    whole = backbone(waveform[None])
    for a, b in zip(encoded.layers, whole.layers, strict=True):
        torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-4)


def test_no_window_is_longer_than_asked_for(tiny_checkpoint):
    backbone = load_backbone(tiny_checkpoint("hubert"))
    seen, kept = [], 0
    backbone.encoder.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].shape))

    for part in encoded_parts(backbone, recording(16_000 * 60), window_s=2.0, context_s=0.25):
        assert part.layers[-1].untyped_storage().nbytes() <= 100 * 16 * 4  # no view of more
        kept += int(part.mask.sum())

    assert kept == 2999
    assert len(seen) > 30
    assert max(samples for _, samples in seen) <= 2 * 16_000 + 80
    assert {batch for batch, _ in seen} == {1}


def test_a_recording_shorter_than_a_frame_has_one(tiny_checkpoint):
    backbone = load_backbone(tiny_checkpoint("w2v-bert"))

    assert encode_in_windows(backbone, recording(100)).mask.tolist() == [[True]]


def test_encoding_can_be_cancelled(tiny_checkpoint):
    context = RunContext()
    context.cancel()

    with pytest.raises(Cancelled):
        encode_in_windows(
            load_backbone(tiny_checkpoint("hubert")), recording(9_000), context=context
        )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"window_s": 31.0},
            "Bad window: got 31.0 s, expected more than 0 and at most 30 s.",
        ),
        (
            {"window_s": 2.0, "context_s": 1.0},
            "Bad context: got 1.0 s, expected 0 or more and less than half the window of 2.0 s.",
        ),
    ],
)
def test_bad_windows_are_refused(tiny_checkpoint, arguments, message):
    with pytest.raises(BadValueError) as caught:
        encode_in_windows(load_backbone(tiny_checkpoint("hubert")), recording(9_000), **arguments)

    assert str(caught.value) == message
