"""Tests of clser_engine.cli.main: the form that every sub-command shares."""

import importlib
import logging
import os
import shlex
import subprocess
import sys
from types import SimpleNamespace

import pytest

from clser_engine.cli import main as cli
from clser_engine.errors import AudioError, Cancelled


@pytest.fixture(autouse=True)
def log_as_before():
    """Take the handlers of the command's log away again."""
    root = logging.getLogger()
    level, raises = root.level, logging.raiseExceptions
    yield
    for handler in [h for h in root.handlers if h.get_name() == "clser"]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)
    logging.raiseExceptions = raises


@pytest.fixture
def run_command(monkeypatch):
    """Run a function as the sub-command `try`."""

    def run(function, *arguments):
        module = SimpleNamespace(
            NAME="try", HELP="Try.", add_arguments=lambda parser: None, run=function
        )
        monkeypatch.setitem(sys.modules, "try_command", module)
        monkeypatch.setitem(cli.COMMANDS, "try", cli.Command("try_command", "Try."))
        return cli.main(["try", *arguments])

    return run


def raise_(error):
    def run(args):
        raise error

    return run


def test_the_exit_code_is_the_commands(run_command):
    assert run_command(lambda args: 0) == 0
    assert run_command(lambda args: 1) == 1


def test_what_a_person_can_cause_is_one_line(run_command, capsys):
    assert run_command(raise_(AudioError("a.wav is empty."))) == 1

    assert capsys.readouterr().err == "clser: a.wav is empty.\n"


def test_an_unexpected_error_names_the_log_and_keeps_its_traceback_there(
    run_command, capsys, caplog, home
):
    assert run_command(raise_(ZeroDivisionError("oh"))) == 1

    log = home / "log" / "clser.log"
    assert capsys.readouterr().err == (
        "clser: an unexpected ZeroDivisionError stopped the command; "
        f"please report it with the log {log}\n"
    )
    assert "Traceback" in log.read_text("utf-8")
    caplog.clear()


def test_debug_shows_the_traceback(run_command, capsys, caplog):
    run_command(raise_(ZeroDivisionError("oh")), "--debug")

    assert "Traceback" in capsys.readouterr().err
    caplog.clear()


def test_a_log_that_cannot_be_written_stops_nothing(run_command, capsys, monkeypatch, home):
    (home / "file").touch()
    monkeypatch.setenv("CLSER_HOME", str(home / "file"))

    assert run_command(raise_(AudioError("a.wav is empty."))) == 1
    assert capsys.readouterr().err == "clser: a.wav is empty.\n"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), Cancelled("read")])
def test_an_interruption_is_not_an_error(run_command, capsys, error):
    assert run_command(raise_(error)) == 130

    assert capsys.readouterr().err == "clser: interrupted\n"


def test_a_name_that_is_no_text_can_be_printed(run_command):
    assert run_command(lambda args: print("caf\udce9", file=sys.stderr) or 0) == 0


@pytest.mark.parametrize(
    "arguments", [[], ["dance"], ["analyze"], ["analyze", "a.wav", "--out", "x", "--format", "pdf"]]
)
def test_wrong_usage_is_2(arguments, capsys):
    assert cli.main(arguments) == 2
    assert "usage: clser" in capsys.readouterr().err


def test_help_names_every_command_and_what_it_does(capsys):
    assert cli.main(["--help"]) == 0

    words = " ".join(capsys.readouterr().out.split())
    for name, command in cli.COMMANDS.items():
        assert f"{name} {command.help}" in words


def test_the_version_is_the_packages(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"clser {cli.program_version()}\n"


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_has_the_form_and_an_example(name, capsys):
    module = importlib.import_module(cli.COMMANDS[name].module)
    assert (name, cli.COMMANDS[name].help) == (module.NAME, module.HELP)

    assert cli.main([name, "--help"]) == 0
    assert f"clser {name}" in capsys.readouterr().out.split("example", 1)[1]


def test_a_reader_that_goes_away_is_no_error():
    command = f"{shlex.quote(sys.executable)} -m clser_engine.cli.main analyze --help"
    finished = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command} | head -c 1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.stderr == ""


def test_help_loads_no_command():
    finished = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "clser_engine.cli.main", "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ},
    )
    for heavy in ("numpy", "torch", "soundfile", "rich", "grpc", "clser_engine.cli.analyze"):
        assert f" {heavy}\n" not in finished.stderr
