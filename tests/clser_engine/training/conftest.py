"""A toy corpus world: two languages whose emotions differ in loud and high."""

import csv

import numpy as np
import pytest
import soundfile

EMOTIONS = ("anger", "sadness")


@pytest.fixture(scope="session")
def toy_corpora(tmp_path_factory):
    """Three small corpora of tones: `anger` moves and is bright, `sadness` is flat and dull."""
    root = tmp_path_factory.mktemp("corpora")
    rng = np.random.default_rng(0)
    for number, corpus in enumerate(("one", "two", "three")):
        (root / corpus).mkdir()
        rows = []
        for index in range(16):
            emotion = EMOTIONS[index % 2]
            seconds = rng.uniform(0.6, 1.0)
            time = np.arange(round(seconds * 16_000)) / 16_000
            swing = 20 if emotion == "anger" else 2
            height = rng.uniform(110, 200)
            phase = 2 * np.pi * (height * time + swing * np.sin(2 * np.pi * 2 * time) / 4)
            fall = 0.6 if emotion == "anger" else 2.0
            tone = sum(np.sin(k * phase) / k**fall for k in range(1, 16))
            noise = 0.01 * (number + 1) * rng.standard_normal(len(time))
            path = root / corpus / f"{index}.wav"
            soundfile.write(path, 0.1 * tone + noise, 16_000)
            rows.append(
                [path.name, emotion, str(index // 4), ("qaa", "qab", "qac")[number], "free"]
            )
        with (root / corpus / "manifest.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["path", "emotion", "speaker", "language", "licence"])
            writer.writerows(rows)
    return root
