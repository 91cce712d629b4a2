from pathlib import Path

import clser_engine.service
from clser_engine.service.generate import generate


def test_committed_code_is_what_the_proto_generates(tmp_path):
    committed = Path(clser_engine.service.__file__).parent

    for path in generate(tmp_path):
        assert path.read_text() == (committed / path.name).read_text(), path.name
