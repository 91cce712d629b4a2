"""The person's settings, the same for all projects; JSON in the config folder."""

import errno
import getpass
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from app.errors import SettingsError
from app.services.folders import config_folder
from app.services.small_files import read_object, set_aside, write_object

THEMES = ("system", "light", "dark")
DEVICES = ("auto", "cpu", "cuda")


def _user_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user id without a name, as in a container
        return "me"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the person set.

    Args:
        annotator: Name that each label carries.
        theme: `system`, `light` or `dark`.
        hide_suggestions: Whether a suggestion stays hidden until the clip has an answer.
        auto_advance: Whether an answer about a whole clip goes on to the next clip.
        auto_play: Whether a clip is played when it comes on screen.
        loop: Whether playing begins again at the end.
        output_device: Name of the sound device, empty for the system's own choice.
        gain_db: Loudness of playing in decibels, -60 to 20.
        speed: Speed of playing, 0.25 to 4.
        engine_device: `auto`, `cpu` or `cuda`.
        model: `default`, the name of an installed model, or its folder.
        window_geometry: Place and size of the window as Qt writes it, base64.
        window_state: Its inner layout as Qt writes it, base64.
    """

    annotator: str = field(default_factory=_user_name)
    theme: str = "system"
    hide_suggestions: bool = False
    auto_advance: bool = True
    auto_play: bool = False
    loop: bool = False
    output_device: str = ""
    gain_db: float = 0.0
    speed: float = 1.0
    engine_device: str = "auto"
    model: str = "default"
    window_geometry: str = ""
    window_state: str = ""

    def problems(self) -> dict[str, str]:
        """Return what is allowed for each setting that has a value outside of it."""
        problems = {}
        if not self.annotator.strip():
            problems["annotator"] = "a name"
        if self.theme not in THEMES:
            problems["theme"] = _one_of(THEMES)
        if self.engine_device not in DEVICES:
            problems["engine_device"] = _one_of(DEVICES)
        if not -60.0 <= self.gain_db <= 20.0:
            problems["gain_db"] = "a number from -60 to 20"
        if not 0.25 <= self.speed <= 4.0:
            problems["speed"] = "a number from 0.25 to 4"
        return problems


class SettingsFile:
    """Reads and writes the settings; what it does not know, a newer version's, it keeps.

    Args:
        path: The file; in the config folder if None.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = config_folder() / "settings.json" if path is None else path
        self._written: dict[str, Any] = {}  # JSON holds anything
        self.notes: tuple[str, ...] = ()
        """Sentences about what was wrong with the file when it was loaded."""

    def load(self) -> Settings:
        """Return the settings, the default for each that is missing or wrong; `notes` says so."""
        self.notes = ()
        try:
            self._written = read_object(self._path)
        except (OSError, ValueError) as error:
            self._written = {}
            self.notes = (self._set_aside(error),)
        values, notes = {}, []
        for name, default in asdict(Settings()).items():
            if name not in self._written:
                continue
            value = self._written[name]
            if isinstance(default, float) and type(value) is int:
                value = float(value)
            if type(value) is not type(default):
                notes.append(self._note(name, value, f"a value like {default!r}"))
            elif allowed := Settings(**{name: value}).problems().get(name):
                notes.append(self._note(name, value, allowed))
            else:
                values[name] = value
        self.notes += tuple(notes)
        return Settings(**values)

    def save(self, settings: Settings) -> None:
        """Write the settings.

        Raises:
            SettingsError: If a value is not allowed or the file cannot be written.
        """
        for name, allowed in settings.problems().items():
            raise SettingsError(
                f"Bad setting {name}: got {getattr(settings, name)!r}, expected {allowed}."
            )
        content = self._written | asdict(settings)
        try:
            write_object(self._path, content)
        except OSError as error:
            way_out = "make that folder writable"
            if error.errno == errno.ENOSPC:
                way_out = "free some space on its disk"
            raise SettingsError(
                f"The settings could not be written to {self._path} ({error.strerror}); they hold"
                f" until the program ends, so {way_out} to keep them."
            ) from error
        self._written = content

    def _set_aside(self, error: Exception) -> str:
        what = f"The settings in {self._path} cannot be read ({error})"
        try:
            kept = set_aside(self._path)
        except OSError:
            return f"{what}, so the defaults are used; correct or delete the file."
        return f"{what}, so the defaults are used and the file was kept as {kept.name}."

    def _note(self, name: str, value: object, allowed: str) -> str:
        return (
            f"The setting {name} in {self._path} is {value!r} where {allowed} is allowed, so its"
            " default is used; set it again in the window."
        )


def _one_of(values: tuple[str, ...]) -> str:
    return "one of " + ", ".join(values)
