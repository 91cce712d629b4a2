"""Writes the Python code of `engine.proto`: `python -m clser_engine.service.generate`."""

import sys
from pathlib import Path

PROTO = "clser_engine/service/engine.proto"
GENERATED = ("engine_pb2.py", "engine_pb2.pyi", "engine_pb2_grpc.py")
ROOT = Path(__file__).resolve().parents[2]


def generate(out: Path) -> list[Path]:
    """Write the generated modules below `out` and return their paths.

    The proto is named from the root of the packages, so that the generated code imports
    `clser_engine.service.engine_pb2` by its full name.

    Raises:
        RuntimeError: If the compiler refuses the proto; it has then printed why.
    """
    from grpc_tools import protoc

    target = out / Path(PROTO).parent
    target.mkdir(parents=True, exist_ok=True)
    arguments = [f"--{kind}_out={out}" for kind in ("python", "pyi", "grpc_python")]
    if protoc.main(["protoc", f"--proto_path={ROOT}", *arguments, PROTO]) != 0:
        raise RuntimeError(f"protoc refused {PROTO}")
    return [target / name for name in GENERATED]


if __name__ == "__main__":
    sys.stdout.writelines(f"{path}\n" for path in generate(ROOT))
