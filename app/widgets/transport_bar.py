"""Playing: start and stop, the time, speed, loop, loudness, channel and device."""

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal, Slot
from PySide6.QtGui import QAction, QFontDatabase
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSlider, QToolButton, QWidget

from app.models.words import time_in_words

SPACE_PX = 8
SPEEDS = (0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0)
LOWEST_GAIN_DB = -40
HIGHEST_GAIN_DB = 12
GAIN_WIDTH_PX = 88
MIN_DEVICE_PX = 72
PLAY_MARK, PAUSE_MARK = "▶", "▮▮"  # in every font, unlike the sign for pause


class TransportBar(QWidget):
    """Shows how the recording is played and asks for changes.

    Signals:
        speed_chosen: Speed, 1 for the recording's own.
        gain_chosen: Gain in dB.
        channel_chosen: Channel number from 0, or -1 for the mix of all.
        device_chosen: Name of the output device, empty for the system's own.
        devices_requested: The list of devices is about to be shown.
    """

    speed_chosen = Signal(float)
    gain_chosen = Signal(float)
    channel_chosen = Signal(int)
    device_chosen = Signal(str)
    devices_requested = Signal()

    def __init__(self, play: QAction, loop: QAction, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._play = QToolButton(self)
        self._play.setAccessibleName("Play or pause, Space")
        self._play.setText(PLAY_MARK)
        self._play.setMinimumSize(QSize(36, 28))
        self._play.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._play.clicked.connect(play.trigger)
        self._play_action = play
        play.changed.connect(self._on_play_changed)
        self._loop = QToolButton(self)
        self._loop.setText("⟳")
        self._loop.setCheckable(True)
        self._loop.setAccessibleName("Loop, R")
        self._loop.setToolTip(f"{loop.toolTip()}")
        self._loop.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._loop.clicked.connect(loop.trigger)
        loop.toggled.connect(self._loop.setChecked)

        self._time = QLabel(self)
        self._time.setAccessibleName("Time of the cursor and length of the recording")
        self._time.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self._speed = QComboBox(self)
        self._speed.addItems([f"×{speed:g}" for speed in SPEEDS])
        self._speed.setAccessibleName("Speed, the pitch is kept")
        self._speed.setToolTip("Speed with the pitch kept: J slower, K as recorded, L faster")
        self._speed.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._gain = QSlider(Qt.Orientation.Horizontal, self)
        self._gain.setRange(LOWEST_GAIN_DB, HIGHEST_GAIN_DB)
        self._gain.setFixedWidth(GAIN_WIDTH_PX)
        self._gain.setAccessibleName("Gain in decibel")
        self._gain.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._gain_text = QLabel(self)
        self._gain_text.setAccessibleName("Gain")
        self._channel = QComboBox(self)
        self._channel.setAccessibleName("Channel to hear and see")
        self._channel.setToolTip("Channel of the recording to hear and see")
        self._channel.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._device = _DeviceBox(self)
        self._device.setAccessibleName("Output device")
        self._device.setToolTip("Device to play on")
        self._device.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._device.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self._device.setMinimumContentsLength(14)
        self._device.setMinimumWidth(MIN_DEVICE_PX)  # its list shows the names in full
        self._state = QLabel(self)
        self._state.setAccessibleName("Why nothing can be played")

        layout = QHBoxLayout(self)
        layout.setContentsMargins(SPACE_PX, SPACE_PX // 2, SPACE_PX, 0)
        layout.setSpacing(SPACE_PX)
        left: tuple[QWidget, ...] = (self._play, self._time, self._speed, self._loop)
        right: tuple[QWidget, ...] = (self._gain, self._gain_text, self._channel, self._device)
        for widget in left:
            layout.addWidget(widget)
        layout.addStretch(1)
        layout.addWidget(self._state)
        for widget in right:
            layout.addWidget(widget)

        self.set_channels(1)
        self.set_time(0.0, None)
        self.set_speed(1.0)
        self.set_gain(0.0)
        self.set_devices((), "")
        self._speed.currentIndexChanged.connect(
            lambda position: self.speed_chosen.emit(SPEEDS[position])
        )
        self._gain.valueChanged.connect(self._on_gain_moved)
        self._channel.currentIndexChanged.connect(
            lambda position: self.channel_chosen.emit(self._channel.itemData(position))
        )
        self._device.currentIndexChanged.connect(
            lambda position: self.device_chosen.emit(self._device.itemData(position))
        )
        self._device.about_to_open.connect(self.devices_requested)

    def set_playing(self, is_playing: bool) -> None:
        """Show whether sound comes out."""
        self._play.setText(PAUSE_MARK if is_playing else PLAY_MARK)

    def set_time(self, position_s: float, duration_s: float | None) -> None:
        """Show the cursor's time and the recording's length."""
        length = time_in_words(duration_s) if duration_s is not None else "–"
        self._time.setText(f"{time_in_words(position_s)} / {length}")

    def set_speed(self, speed: float) -> None:
        """Show the speed."""
        with QSignalBlocker(self._speed):
            self._speed.setCurrentIndex(SPEEDS.index(speed))

    def set_gain(self, gain_db: float) -> None:
        """Show the gain."""
        with QSignalBlocker(self._gain):
            self._gain.setValue(round(gain_db))
        self._show_gain()

    def set_channels(self, channels: int) -> None:
        """Offer the channels of a recording; the mix of all is chosen."""
        with QSignalBlocker(self._channel):
            self._channel.clear()
            self._channel.addItem("Mix", -1)
            names = ("Left", "Right") if channels == 2 else tuple(map(str, range(1, channels + 1)))
            if channels > 1:
                for number, name in enumerate(names):
                    self._channel.addItem(name, number)
        self._channel.setEnabled(channels > 1)
        self._channel.setToolTip(
            "Channel of the recording to hear and see"
            if channels > 1
            else "There is one channel, so there is nothing to choose."
        )

    def set_devices(self, names: Sequence[str], chosen: str) -> None:
        """Offer output devices."""
        with QSignalBlocker(self._device):
            self._device.clear()
            self._device.addItem("System output", "")
            for name in names:
                self._device.addItem(name, name)
            self._device.setCurrentIndex(max(self._device.findData(chosen), 0))

    def set_problem(self, sentence: str) -> None:
        """Say in short that nothing can be played; the sentence is the tooltip."""
        self._state.setText("no sound ⚠" if sentence else "")
        self._state.setToolTip(sentence)
        self._state.setAccessibleDescription(sentence)

    @Slot()
    def _on_play_changed(self) -> None:
        self._play.setEnabled(self._play_action.isEnabled())
        self._play.setToolTip(self._play_action.toolTip())

    @Slot(int)
    def _on_gain_moved(self, gain_db: int) -> None:
        self._show_gain()
        self.gain_chosen.emit(float(gain_db))

    def _show_gain(self) -> None:
        self._gain_text.setText(f"{self._gain.value():+d} dB")
        self._gain_text.setMinimumWidth(self.fontMetrics().horizontalAdvance("+00 dB"))


class _DeviceBox(QComboBox):
    """Asks for the devices anew before it opens, as they come and go."""

    about_to_open = Signal()

    def showPopup(self) -> None:  # noqa: N802  Qt's name
        self.about_to_open.emit()
        super().showPopup()
