"""Make the recordings of the demo project in `resources/demo/` with the program espeak-ng.

    python packaging/make_demo.py [--check]

The same espeak-ng gives the same files, byte for byte; `--check` makes them in a temporary folder
and compares. The committed files were made with espeak-ng 1.51. The sentences are our own.
"""

import argparse
import csv
import filecmp
import io
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
import soxr

DEMO = Path(__file__).resolve().parent.parent / "resources" / "demo"
SAMPLE_RATE_HZ = 16000
PAUSE_S = 0.4


class Manner(NamedTuple):
    """How a sentence is spoken: what it imitates, words a minute, pitch 0 to 99, loudness."""

    emotion: str
    words_per_minute: int
    pitch: int
    pitch_range: str
    amplitude: int


class Voice(NamedTuple):
    """A synthetic speaker and its sentences."""

    language: str
    voice: str
    speaker: str
    gender: str
    sentences: tuple[str, str, str, str]


MANNERS = (
    Manner("anger", 205, 38, "high", 180),
    Manner("happiness", 190, 72, "x-high", 120),
    Manner("sadness", 115, 22, "x-low", 45),
    Manner("neutral", 160, 48, "medium", 90),
)

VOICES = (
    Voice(
        "en",
        "en-gb+f2",
        "synthetic_en",
        "female",
        (
            "I have told you three times that this door stays shut!",
            "Look, the parcel is here, and it is even bigger than I thought!",
            "Nobody came to the station, so I walked home in the rain.",
            "The library opens at nine and closes at half past five.",
        ),
    ),
    Voice(
        "de",
        "de+m3",
        "synthetic_de",
        "male",
        (
            "Wer hat schon wieder mein Fahrrad genommen, ohne zu fragen!",
            "Wir haben gewonnen, und morgen feiern wir alle zusammen!",
            "Der alte Garten ist leer, und die Schaukel bewegt sich nicht mehr.",
            "Der Zug nach Ulm fährt heute von Gleis sieben ab.",
        ),
    ),
    Voice(
        "sw",
        "sw+f4",
        "synthetic_sw",
        "female",
        (
            "Nimekuambia mara nyingi usiguse vitabu vyangu!",
            "Karibuni nyote, chakula kiko tayari na leo ni sikukuu!",
            "Rafiki yangu amehama, na nyumba yake iko kimya.",
            "Soko linafunguliwa saa mbili asubuhi kila siku.",
        ),
    ),
)


def main() -> None:
    """Make the demo, or compare it with what is committed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    if not parser.parse_args().check:
        make_demo(DEMO)
        return
    with tempfile.TemporaryDirectory() as folder:
        made = make_demo(Path(folder))
        different = [
            file.name for file in made if not filecmp.cmp(file, DEMO / file.name, shallow=False)
        ]
    if different:
        sys.exit(f"These differ from what espeak-ng makes here: {', '.join(different)}")


def make_demo(folder: Path) -> list[Path]:
    """Write the recordings and their manifest; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    rows, files = [], []
    for voice in VOICES:
        spoken = []
        for number, (manner, sentence) in enumerate(zip(MANNERS, voice.sentences, strict=True), 1):
            samples = speak(voice, manner, sentence)
            spoken += [samples, np.zeros(round(PAUSE_S * SAMPLE_RATE_HZ), np.float32)]
            name = f"{voice.language}_{number}_{manner.emotion}.flac"
            files.append(write_flac(folder / name, samples))
            rows.append(describe(voice, name, manner.emotion, str(number), sentence, samples))
        if voice is VOICES[0]:  # one longer recording in which the manner changes
            name = f"{voice.language}_all.flac"
            samples = np.concatenate(spoken[:-1])
            files.append(write_flac(folder / name, samples))
            rows.append(describe(voice, name, "other", "all", " ".join(voice.sentences), samples))
    manifest = folder / "manifest.csv"
    text_file = io.StringIO(newline="")
    writer = csv.DictWriter(text_file, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    manifest.write_text(text_file.getvalue(), encoding="utf-8", newline="")
    return [*files, manifest]


def speak(voice: Voice, manner: Manner, sentence: str) -> np.ndarray:
    """Return (samples,) float32 at 16 kHz."""
    marked_up = f'<speak><prosody range="{manner.pitch_range}">{sentence}</prosody></speak>'
    command = ["espeak-ng", "-m", "--stdout", "-v", voice.voice]
    command += ["-s", str(manner.words_per_minute), "-p", str(manner.pitch)]
    command += ["-a", str(manner.amplitude), marked_up]
    wav = subprocess.run(command, check=True, capture_output=True).stdout
    samples, rate = soundfile.read(io.BytesIO(wav), dtype="float32")
    resampled: np.ndarray = soxr.resample(samples, rate, SAMPLE_RATE_HZ)
    return resampled


def write_flac(path: Path, samples: np.ndarray) -> Path:
    """Write 16 bit FLAC; rounding is done here so that it is the same everywhere."""
    soundfile.write(path, np.round(samples * 32767).clip(-32768, 32767).astype(np.int16), 16000)
    return path


def describe(
    voice: Voice, name: str, emotion: str, sentence_id: str, text: str, samples: np.ndarray
) -> dict[str, str]:
    """Return the row of a recording in the manifest."""
    return {
        "path": name,
        "corpus": "demo",
        "language": voice.language,
        "speaker": voice.speaker,
        "gender": voice.gender,
        "emotion_original": "four manners in turn" if emotion == "other" else f"imitated {emotion}",
        "emotion": emotion,
        "intensity": "",
        "sentence_id": f"{voice.language}{sentence_id}",
        "transcript": text,
        "duration_s": f"{len(samples) / SAMPLE_RATE_HZ:.3f}",
        "licence": "Apache-2.0",
        "flags": "synthetic",
    }


if __name__ == "__main__":
    main()
