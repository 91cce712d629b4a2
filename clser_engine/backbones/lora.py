"""Low-rank adapters beside the linear maps of a backbone, through peft.

Source: Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022,
https://arxiv.org/abs/2106.09685, equation 3.
"""

from dataclasses import dataclass

from torch import nn

from clser_engine.backbones.backbone import Backbone
from clser_engine.errors import BadValueError


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraSettings:
    """How a backbone is adapted.

    Args:
        rank: Rank of each update, at least 1.
        alpha: Scale of the updates: they count `alpha / rank`.
        dropout: Share of the inputs of the updates left out in training, 0 to below 1.
        feed_forward: Whether the maps of the feed-forward parts are adapted beside attention's.

    Raises:
        BadValueError: If a value is outside its range.
    """

    rank: int = 8
    alpha: float = 16.0
    dropout: float = 0.05
    feed_forward: bool = False

    def __post_init__(self) -> None:
        """Check the ranges."""
        if self.rank < 1:
            raise BadValueError(f"Bad LoRA rank: got {self.rank}, expected 1 or more.")
        if not self.alpha > 0:
            raise BadValueError(f"Bad LoRA alpha: got {self.alpha}, expected a number above 0.")
        if not 0 <= self.dropout < 1:
            raise BadValueError(
                f"Bad LoRA dropout: got {self.dropout}, expected 0 or more and below 1."
            )


def add_adapters(encoder: nn.Module, targets: list[str], settings: LoraSettings) -> None:
    """Put an adapter that changes nothing yet beside each target; only adapters train then."""
    from peft import LoraConfig, inject_adapter_in_model

    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,  # type: ignore[arg-type]  # it is multiplied only
        lora_dropout=settings.dropout,
        target_modules=targets,
        bias="none",
    )
    inject_adapter_in_model(config, encoder)


def merge_adapters(backbone: Backbone) -> None:
    """Add the updates to the weights and take the adapters away, as a bundle is exported.

    A backbone without adapters stays as it is.
    """
    from peft.tuners.tuners_utils import BaseTunerLayer

    adapted = [(n, m) for n, m in backbone.named_modules() if isinstance(m, BaseTunerLayer)]
    for name, module in adapted:
        module.merge()
        parent, _, child = name.rpartition(".")
        setattr(backbone.get_submodule(parent), child, module.get_base_layer())
