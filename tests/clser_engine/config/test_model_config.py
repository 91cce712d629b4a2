"""Tests of clser_engine.config.model_config."""

import pytest

from clser_engine.config.model_config import RunConfig, load_run_config
from clser_engine.errors import ConfigError


def test_the_shipped_preset_leaves_out_corpora_that_may_not_ship():
    config = load_run_config("default")

    assert config.manifests == ("emodb/manifest.csv", "ravdess/manifest.csv", "nemo/manifest.csv")
    assert config.classes == ("anger", "happiness", "sadness", "neutral")


def test_overrides_take_toml_and_bare_text():
    config = load_run_config("default", ["seed=3", "data_root=/some/where", "alterations=0"])

    assert (config.seed, config.data_root, config.alterations) == (3, "/some/where", 0)


def test_a_run_file_is_read(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text('name = "mine"\nconcatenations = 7\n')

    assert load_run_config(str(path)) == RunConfig(name="mine", concatenations=7)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("sead=3", "Unknown setting 'sead': did you mean 'seed'?"),
        ("seed", "Bad override: got 'seed', expected key=value."),
        ("seed=1.5", "Bad seed: got 1.5, expected a whole number."),
        ("seed=true", "Bad seed: got True, expected a whole number."),
        ("calibrate=1", "Bad calibrate: got 1, expected true or false."),
        ("shrinkage=x", "Bad shrinkage: got 'x', expected a number."),
        ("shrinkage=0", "Bad shrinkage: got 0.0, expected above 0."),
        ("shrinkage=1.5", "Bad shrinkage: got 1.5, expected at most 1."),
        ("alterations=-1", "Bad alterations: got -1, expected 0 or more."),
        ("alterations=0.5", "Bad alterations: got 0.5, expected a whole number."),
        ("classes=['a']", "Bad classes: got ['a'], expected at least two, all different."),
    ],
)
def test_bad_settings_are_named(override, message):
    with pytest.raises(ConfigError) as raised:
        load_run_config("default", [override])

    assert str(raised.value) == message


def test_unknown_runs_are_named(tmp_path):
    with pytest.raises(ConfigError) as raised:
        load_run_config("nothing")
    assert str(raised.value) == (
        "No run 'nothing': expected a .toml file or one of default, supervised."
    )

    with pytest.raises(ConfigError, match=r"no.toml: cannot be read \(No such file"):
        load_run_config(str(tmp_path / "no.toml"))

    (tmp_path / "bad.toml").write_text("= 3")
    with pytest.raises(ConfigError, match=r"bad.toml: is no TOML \("):
        load_run_config(str(tmp_path / "bad.toml"))
