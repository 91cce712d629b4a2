"""What the models on this computer say of themselves, for a person who chooses one."""

import math
import re
from collections.abc import Iterable
from pathlib import Path

from clser_engine.bundle import (
    SUFFIX,
    ModelCard,
    find_bundle,
    installed_bundles_folder,
    load_card,
)
from clser_engine.data.corpora.table import CORPORA
from clser_engine.errors import BundleError
from clser_engine.service import engine_pb2 as pb
from clser_engine.service.model_shelf import DEFAULT_MODEL
from clser_engine.service.wire import readable


def list_models(references: Iterable[str] = ()) -> list[pb.InstalledModel]:
    """Return the default model, the installed ones by name, and those asked for, each once."""
    folder = installed_bundles_folder()
    installed = sorted(path.name.removesuffix(SUFFIX) for path in folder.glob(f"*{SUFFIX}"))
    return [_describe(name) for name in dict.fromkeys([DEFAULT_MODEL, *installed, *references])]


def _describe(reference: str) -> pb.InstalledModel:
    try:
        return _message(reference, load_card(find_bundle(reference)))
    except BundleError as error:
        name = Path(reference).name.removesuffix(SUFFIX)
        return pb.InstalledModel(
            reference=readable(reference), name=readable(name), problem=readable(str(error))
        )


def _message(reference: str, card: ModelCard) -> pb.InstalledModel:
    metrics = card.values["metrics"] if isinstance(card.values["metrics"], dict) else {}
    figures = {
        name: float(value)
        for name, value in metrics.items()
        if isinstance(value, (int, float)) and math.isfinite(value)
    }
    return pb.InstalledModel(
        reference=reference,
        name=card.model_id.name,
        sha256=card.model_id.sha256,
        summary=_in_words(card.summary, card.corpora),
        classes=card.classes,
        languages=card.languages,
        corpora=[_in_words(name, card.corpora) for name in card.corpora],
        licence=card.licence,
        protocol=str(metrics.get("protocol", "")),
        figures=figures,
    )


def _in_words(text: str, names: Iterable[str]) -> str:
    """Return a text of a card with the corpora called what their authors call them."""
    for name in names:
        if name in CORPORA:
            text = re.sub(rf"\b{re.escape(name)}\b", CORPORA[name].title, text)
    return text
