"""Menu options and sound settings that stay as the person set them."""

from functools import partial

from PySide6.QtCore import QObject, Qt, Slot
from PySide6.QtGui import QGuiApplication

from app.controllers.engine_controller import EngineController
from app.controllers.playback_controller import SPEEDS, PlaybackController
from app.controllers.settings_controller import SettingsController
from app.services.settings import DEVICES
from app.window.main_window import MainWindow
from app.window.theme import SCHEMES, follow_system, set_theme

OPTIONS = ("hide_suggestions", "auto_advance", "auto_play", "loop")


class Options(QObject):
    """Sets the options as they were left and writes each change.

    Args:
        window: Has the options' actions.
        settings: Keeps them.
        playback: Takes loudness, speed and device.
        engine: Takes what the model runs on.
    """

    def __init__(
        self,
        window: MainWindow,
        settings: SettingsController,
        playback: PlaybackController,
        engine: EngineController,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._settings = settings
        self._engine = engine
        self._restore_sound(playback)
        for name in OPTIONS:
            action = window.actions_[name]
            action.toggled.connect(partial(self._set_option, name))
            action.setChecked(getattr(settings.settings, name))
        for theme in SCHEMES:
            window.actions_.connect(f"theme_{theme}", partial(self._set_theme, theme))
        self._set_theme(settings.settings.theme)
        for device in DEVICES:
            window.actions_.connect(f"device_{device}", partial(self._set_device, device))
        self._set_device(settings.settings.engine_device)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._on_scheme_changed)
        transport = window.transport
        transport.gain_chosen.connect(lambda gain_db: settings.change(gain_db=gain_db))
        transport.device_chosen.connect(lambda device: settings.change(output_device=device))
        playback.speed_changed.connect(lambda speed: settings.change(speed=speed))

    def _set_option(self, name: str, is_on: bool) -> None:
        self._settings.change(**{name: is_on})

    @Slot()
    def _on_scheme_changed(self) -> None:
        """Correct the colours of the other scheme too, whoever changed it."""
        scheme = SCHEMES[self._settings.settings.theme]
        if scheme in (Qt.ColorScheme.Unknown, QGuiApplication.styleHints().colorScheme()):
            follow_system()

    def _restore_sound(self, playback: PlaybackController) -> None:
        settings, transport = self._settings.settings, self._window.transport
        speed = settings.speed if settings.speed in SPEEDS else 1.0
        playback.set_speed(speed)
        transport.set_speed(speed)
        playback.set_gain_db(settings.gain_db)
        transport.set_gain(settings.gain_db)
        playback.set_device(settings.output_device)
        if settings.output_device:
            transport.set_devices((settings.output_device,), settings.output_device)

    def _set_device(self, device: str) -> None:
        self._window.actions_[f"device_{device}"].setChecked(True)
        self._engine.set_device(device)
        self._settings.change(engine_device=device)

    def _set_theme(self, theme: str) -> None:
        self._window.actions_[f"theme_{theme}"].setChecked(True)
        set_theme(theme)
        self._settings.change(theme=theme)
