"""What trains: nothing, small adapters, or everything but the front end; and the way out."""

import pytest
import torch

from clser_engine.backbones.lora import LoraSettings, merge_adapters
from clser_engine.backbones.registry import COMPACT, build_backbone, load_backbone
from clser_engine.errors import BadValueError
from tests.tiny_checkpoints import NAMES


def waveforms() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    return 0.3 * torch.randn(2, 12_000, generator=generator), torch.tensor([12_000, 7_000])


def energy_of(backbone) -> torch.Tensor:
    """A loss that depends on every real frame of the last layer."""
    encoded = backbone(*waveforms())
    return (encoded.layers[-1] * encoded.mask[:, :, None]).square().mean()


def trained(backbone) -> set[str]:
    return {name for name, weight in backbone.named_parameters() if weight.requires_grad}


def follow_gradient(backbone, steps: int = 5) -> list[float]:
    optimiser = torch.optim.Adam([w for w in backbone.parameters() if w.requires_grad], lr=1e-2)
    losses = []
    for _ in range(steps):
        optimiser.zero_grad()
        loss = (energy_of(backbone) - 0.1).square()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("name", NAMES)
def test_frozen_trains_nothing_and_drops_nothing_in_training_mode(name, tiny_checkpoint):
    backbone = load_backbone(tiny_checkpoint(name))

    quiet = energy_of(backbone)
    backbone.train()

    assert not trained(backbone)
    assert not backbone.training
    assert not any(module.training for module in backbone.modules())
    assert torch.equal(energy_of(backbone), quiet)


@pytest.mark.parametrize("name", NAMES)
def test_only_adapters_train_and_all_of_them_are_reached(name, tiny_checkpoint):
    backbone = load_backbone(tiny_checkpoint(name), tuning="lora")
    plain = load_backbone(tiny_checkpoint(name))
    before = {key: value.clone() for key, value in backbone.state_dict().items()}

    torch.testing.assert_close(energy_of(backbone), energy_of(plain))
    losses = follow_gradient(backbone)

    assert trained(backbone)
    assert all("lora_" in key for key in trained(backbone))
    moved = {k for k, value in backbone.state_dict().items() if not torch.equal(value, before[k])}
    assert moved == trained(backbone)  # every one, so no projection is passed by
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("name", NAMES)
def test_merged_adapters_give_the_same_frames_in_the_plain_network(name, tiny_checkpoint):
    backbone = load_backbone(tiny_checkpoint(name), tuning="lora", lora=LoraSettings(rank=2))
    follow_gradient(backbone, steps=3)
    backbone.eval()
    adapted = backbone(*waveforms())

    merge_adapters(backbone)

    plain = build_backbone(backbone.description)
    plain.load_state_dict(backbone.state_dict())
    again = plain(*waveforms())
    for a, b in zip(adapted.layers, again.layers, strict=True):
        torch.testing.assert_close(a[adapted.mask], b[adapted.mask], atol=1e-5, rtol=1e-5)
    assert not torch.allclose(
        adapted.layers[-1], load_backbone(tiny_checkpoint(name))(*waveforms()).layers[-1]
    )


@pytest.mark.parametrize("name", NAMES)
def test_adapters_reach_the_feed_forward_parts_if_asked(name, tiny_checkpoint):
    usual = trained(load_backbone(tiny_checkpoint(name), tuning="lora"))
    more = trained(
        load_backbone(tiny_checkpoint(name), tuning="lora", lora=LoraSettings(feed_forward=True))
    )

    assert usual < more


@pytest.mark.parametrize("name", NAMES)
def test_full_tuning_reaches_every_weight_but_those_of_the_front_end(name, tiny_checkpoint):
    backbone = load_backbone(tiny_checkpoint(name), tuning="full")
    backbone.train()

    energy_of(backbone).backward()

    fixed = {key for key, weight in backbone.named_parameters() if not weight.requires_grad}
    assert all("convolutions" in key or "encoder.positions.weight" in key for key in fixed)
    assert bool(fixed) is (name != "w2v-bert")
    unreached = {
        key
        for key, weight in backbone.named_parameters()
        if weight.requires_grad and weight.grad is None
    }
    assert not unreached  # several devices would wait for them for ever


@pytest.mark.parametrize("tuning", ["lora", "full"])
def test_the_compact_backbone_trains_from_scratch(tuning):
    backbone = load_backbone(COMPACT, tuning=tuning)
    backbone.train()

    losses = follow_gradient(backbone, steps=10)

    assert losses[-1] < losses[0]
    energy_of(backbone).backward()
    assert all(weight.grad is not None for weight in backbone.parameters() if weight.requires_grad)


def test_front_end_trains_if_asked(tiny_checkpoint):
    backbone = load_backbone(tiny_checkpoint("hubert"), tuning="full", train_front_end=True)

    energy_of(backbone).backward()

    assert all(weight.grad is not None for weight in backbone.parameters())


def test_dropout_works_in_full_tuning_only(tiny_checkpoint):
    backbone = load_backbone(tiny_checkpoint("wav2vec2"), tuning="full")
    quiet = energy_of(backbone)

    backbone.train()

    assert not torch.equal(energy_of(backbone), quiet)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rank": 0}, "Bad LoRA rank: got 0, expected 1 or more."),
        ({"alpha": 0.0}, "Bad LoRA alpha: got 0.0, expected a number above 0."),
        ({"dropout": 1.0}, "Bad LoRA dropout: got 1.0, expected 0 or more and below 1."),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(BadValueError) as caught:
        LoraSettings(**settings)

    assert str(caught.value) == message


def test_bad_tuning_is_refused(tiny_checkpoint):
    with pytest.raises(BadValueError) as caught:
        load_backbone(tiny_checkpoint("hubert"), tuning="some")

    assert str(caught.value) == "Bad tuning: got 'some', expected 'frozen', 'lora' or 'full'."
