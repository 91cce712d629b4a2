# Written by hand: the generated module has no annotations.
from typing import Any

EngineStub: Any

def add_EngineServicer_to_server(servicer: object, server: object) -> None: ...
