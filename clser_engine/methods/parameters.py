"""Parameters in groups with a learning rate of their own: heads, adapters, encoder."""

from torch import nn

from clser_engine.config.sections import OptimiserSettings
from clser_engine.methods.method import ParameterGroup

ADAPTER_MARK = "lora_"


def group_parameters(network: nn.Module, rates: OptimiserSettings) -> list[ParameterGroup]:
    """Return everything in a network that trains, in up to three groups.

    What lies in a module called `backbone` is `lora` where it is an adapter, else `encoder`; the
    rest is `head`.
    """
    groups: dict[str, dict[str, nn.Parameter]] = {"head": {}, "lora": {}, "encoder": {}}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            groups[_kind(name)][name] = parameter
    learning_rates = {"head": rates.head, "lora": rates.lora, "encoder": rates.encoder}
    return [
        ParameterGroup(name=name, parameters=members, learning_rate=learning_rates[name])
        for name, members in groups.items()
        if members
    ]


def _kind(name: str) -> str:
    if "backbone" not in name.split("."):
        return "head"
    return "lora" if ADAPTER_MARK in name else "encoder"
