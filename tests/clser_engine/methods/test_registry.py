"""Tests of clser_engine.methods.registry."""

import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from clser_engine.config.model_config import RunConfig
from clser_engine.errors import ConfigError
from clser_engine.methods import registry
from clser_engine.methods.registry import METHODS, load_method, load_run, method_names


def test_each_registered_method_is_complete():
    for name in METHODS:
        method = load_method(name)
        assert load_run(name).method == name, "each method has a preset of its name"
        assert load_run(name).settings == method.run_class()
        for part in ("build", "parameter_groups", "before_epoch", "before_step", "embed"):
            assert callable(getattr(method, part))


def test_a_run_without_a_method_is_the_compact_recipe(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text('name = "mine"\n')

    assert load_run(path).method == "compact"
    assert load_run(path).settings == RunConfig(name="mine")


def test_what_is_written_is_read_back(tmp_path):
    run = load_run("supervised", ["backbone.layer=3", "data.manifests=['a \"b\".csv']", "seed=5"])
    path = tmp_path / "run.toml"
    path.write_text(run.to_toml())

    assert load_run(path) == run
    (tmp_path / "config.toml").write_text(run.to_toml())
    assert load_run(tmp_path) == run


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("'supervized'", "Unknown method 'supervized': did you mean 'supervised'?"),
        ("'zzz'", "Unknown method 'zzz': known are compact, supervised."),
        ("3", "Bad method: got 3, expected text."),
    ],
)
def test_unknown_methods_are_named(tmp_path, method, message):
    path = tmp_path / "run.toml"
    path.write_text(f"method = {method}\n")

    with pytest.raises(ConfigError) as raised:
        load_run(path)

    assert str(raised.value) == message


def with_entry_point(monkeypatch, target):
    point = EntryPoint(name="mine", value=target, group=registry.ENTRY_POINTS)
    monkeypatch.setattr(registry, "entry_points", lambda group: [point])


def test_another_package_adds_a_method_and_is_not_imported_for_its_name(monkeypatch):
    with_entry_point(monkeypatch, "clser_engine_of_mine:Method")
    assert method_names() == ["compact", "mine", "supervised"]

    with pytest.raises(ConfigError) as raised:
        load_method("mine")
    assert str(raised.value).startswith(
        "The method 'mine' cannot be imported from clser_engine_of_mine:Method (No module named"
    )

    with_entry_point(monkeypatch, "clser_engine.methods.supervised:SupervisedMethod")
    assert load_method("mine") is load_method("supervised")


def test_reading_a_compact_run_imports_no_torch():
    code = (
        "import sys; from clser_engine.methods.registry import load_run; load_run('default'); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
