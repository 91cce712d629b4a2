"""The training loop on a graphics card: the losses of the processor, in every precision."""

import csv

import numpy as np
import pytest
import soundfile
import torch

from clser_engine.config.sections import (
    BackboneSettings,
    DataSettings,
    ModelSettings,
    TrainingSettings,
)
from clser_engine.methods.supervised import SupervisedMethod, SupervisedRun
from clser_engine.runtime import RunContext
from clser_engine.training.events import read_events
from clser_engine.training.loop import Loop
from clser_engine.training.processes import start_processes


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    """Sixteen noises of four speakers, loud and soft."""
    folder = tmp_path_factory.mktemp("noises")
    rng = np.random.default_rng(0)
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "emotion", "speaker", "language"])
        for index in range(16):
            loudness = 0.2 if index % 2 else 0.02
            samples = loudness * rng.standard_normal(round(16_000 * rng.uniform(0.4, 0.8)))
            soundfile.write(folder / f"{index}.wav", samples, 16_000)
            emotion = "anger" if index % 2 else "sadness"
            writer.writerow([f"{index}.wav", emotion, index // 4, "deu"])
    return folder / "manifest.csv"


def losses(manifest, checkpoint, folder, device, precision):
    run = SupervisedRun(
        name="toy",
        classes=("anger", "sadness"),
        data=DataSettings(manifests=(str(manifest),), longest_s=1.0),
        backbone=BackboneSettings(name=str(checkpoint), tuning="frozen", keep_frames=False),
        model=ModelSettings(embedding_size=8, dropout=0.0),
        training=TrainingSettings(steps=5, batch_size=8, validate_every=5, precision=precision),
    )
    folder.mkdir()
    torch.manual_seed(run.seed)
    with start_processes(device, precision) as processes:
        method = SupervisedMethod.build(run, processes, RunContext())
        Loop(method, run, folder, processes, RunContext(), resume=False).train()
    events = read_events(folder)
    return [event["losses"]["loss"] for event in events if event["event"] == "step"]


@pytest.mark.parametrize(("precision", "tolerance"), [("no", 1e-3), ("bf16", 0.1), ("fp16", 0.1)])
def test_losses_are_the_processors(
    manifest, tiny_checkpoint, tmp_path, device, precision, tolerance
):
    if precision == "fp16" and device == "cpu":
        pytest.skip("half precision needs a graphics card")
    checkpoint = tiny_checkpoint("xls-r")
    expected = losses(manifest, checkpoint, tmp_path / "expected", "cpu", "no")

    found = losses(manifest, checkpoint, tmp_path / "found", device, precision)

    assert found == pytest.approx(expected, abs=tolerance)
    assert torch.isfinite(torch.tensor(found)).all()
