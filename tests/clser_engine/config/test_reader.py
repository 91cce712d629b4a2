"""Tests of clser_engine.config.reader and clser_engine.config.limits."""

import tomllib
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clser_engine.config.limits import check_limits, limits
from clser_engine.config.reader import (
    build_config,
    differences,
    preset_names,
    read_values,
    to_toml,
)
from clser_engine.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    SECTION: ClassVar[str] = "rates"
    head: float = field(default=1e-3, metadata=limits(above=0))
    momenta: tuple[float, ...] = field(
        default=(0.9, 0.999), metadata=limits(at_least=0, below=1)
    )  # fmt: skip

    def __post_init__(self) -> None:
        check_limits(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    name: str
    steps: int = field(default=10, metadata=limits(at_least=1, at_most=100))
    layer: int | None = None
    kind: Literal["linear", "cosine"] = "cosine"
    quick: bool = False
    rates: Rates = field(default_factory=Rates)

    def __post_init__(self) -> None:
        check_limits(self)


def read(tmp_path, text, *overrides):
    path = tmp_path / "run.toml"
    path.write_text(text, encoding="utf-8")
    return build_config(Run, read_values(path, overrides))


def test_sections_and_dotted_overrides_are_read(tmp_path):
    run = read(tmp_path, 'name = "a"\nlayer = 3\n[rates]\nhead = 1\n',
               "rates.momenta=[0.5]", "layer=none", "kind=linear")  # fmt: skip

    assert run == Run(name="a", kind="linear", rates=Rates(head=1.0, momenta=(0.5,)))
    assert isinstance(run.rates.head, float)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("rates.haed=1", "Unknown setting 'rates.haed': did you mean 'rates.head'?"),
        ("momentas=[1]", "Unknown setting 'momentas': did you mean 'rates.momenta'?"),
        ("zzz=1", "Unknown setting 'zzz': known are name, steps, layer, kind, quick, rates."),
        ("rates.head='x'", "Bad rates.head: got 'x', expected a number."),
        ("rates.head=0", "Bad rates.head: got 0.0, expected above 0."),
        ("rates.head=nan", "Bad rates.head: got nan, expected above 0."),
        ("rates.momenta=[0.5, 1]",
         ("Bad rates.momenta: got [0.5, 1.0], expected at least 0 and below 1.")),
        ("rates=3", "Bad rates: got 3, expected a section [rates]."),
        ("steps=0", "Bad steps: got 0, expected at least 1 and at most 100."),
        ("steps=1.5", "Bad steps: got 1.5, expected a whole number."),
        ("layer=x", "Bad layer: got 'x', expected a whole number."),
        ("quick=1", "Bad quick: got 1, expected true or false."),
        ("kind=cosin",
         ("Bad kind: got 'cosin', expected one of linear, cosine; did you mean 'cosine'?")),
        ("name.x=1", "Bad override: 'name' in 'name.x' is no section."),
        ("=1", "Bad override: got '=1', expected key=value."),
    ],
)  # fmt: skip
def test_each_bad_setting_is_one_sentence(tmp_path, override, message):
    with pytest.raises(ConfigError) as raised:
        read(tmp_path, 'name = "a"', override)

    assert str(raised.value) == message


def test_a_setting_without_a_default_must_be_there(tmp_path):
    with pytest.raises(ConfigError, match=r"^Missing setting 'name'\.$"):
        read(tmp_path, "steps = 3")


def test_python_meets_the_same_limits():
    with pytest.raises(ConfigError, match=r"^Bad rates.head: got -1, expected above 0\.$"):
        Rates(head=-1)


@given(
    st.builds(
        Run,
        name=st.text(),
        steps=st.integers(1, 100),
        layer=st.none() | st.integers(),
        quick=st.booleans(),
        rates=st.builds(
            Rates,
            head=st.floats(min_value=0, exclude_min=True, allow_nan=False, allow_infinity=False),
            momenta=st.lists(st.floats(0, 1, exclude_max=True)).map(tuple),
        ),
    )
)
def test_what_is_written_reads_back_equal(run):
    assert build_config(Run, tomllib.loads(to_toml(run))) == run


def test_differences_name_settings_with_their_section():
    one = Run(name="a")

    assert differences(one, one) == []
    assert differences(one, Run(name="b", rates=Rates(head=2))) == ["name", "rates.head"]


def test_every_preset_is_valid_toml():
    assert "default" in preset_names()
    assert all(read_values(name) for name in preset_names())
