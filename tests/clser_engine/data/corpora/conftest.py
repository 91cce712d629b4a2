"""Small trees of files laid out as corpora are."""

import numpy as np
import pytest
import soundfile

from clser_engine.data.corpora.read import read_corpus
from clser_engine.data.corpora.table import find_corpus


@pytest.fixture
def tree(tmp_path):
    """Make files at paths below a folder: sound where the content is None, else text or bytes."""

    def make(contents):
        for number, (name, content) in enumerate(contents.items()):
            path = tmp_path / "corpus" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                rng = np.random.default_rng(number)
                kind = "FLAC" if path.suffix == ".flac" else "WAV"  # a reader opens no sound
                soundfile.write(path, 0.1 * rng.standard_normal(800), 16_000, format=kind)
            else:
                path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return tmp_path / "corpus"

    return make


@pytest.fixture
def rows_of(tree):
    """Read a small tree as one corpus: rows by path, as a manifest has them."""

    def read(name, contents, **options):
        folder = tree(dict.fromkeys(contents) if not isinstance(contents, dict) else contents)
        reading = read_corpus(find_corpus(name), folder, **options)
        return {
            u.path.relative_to(folder).as_posix(): {
                "emotion": u.emotion,
                "speaker": u.speaker,
                "language": u.language,
                **{k: v for k, v in u.extra.items() if k != "licence" and v},
            }
            for u in reading.utterances
        }, reading

    return read
