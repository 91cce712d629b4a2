"""Training methods, one published method per file; baselines are methods too.

A method is a run configuration (a frozen dataclass) and a class with what `method.Method` lists. It
is registered by one line in `registry.METHODS`, and has a preset and a page of documentation. The
loop that trains any of them is in `clser_engine.training`.
"""
