"""The whole window with a real project on disk; only the engine is left out."""

import numpy as np
import pytest
import soundfile
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QAbstractButton, QApplication

from app.application import Studio
from app.dialogs.ask import Ask
from app.models.clip_table import Column
from app.services.project_store import ProjectStore
from clser_engine.types import Analysis, ModelId, Posteriors, UtterancePosterior

TIMEOUT_MS = 10_000
CLASSES = ("anger", "happiness", "sadness", "neutral")


class Answers(Ask):
    """Answers every question as the test said before."""

    def __init__(self):
        super().__init__()
        self.answers = {}
        self.asked = []

    def _answer(self, name, *arguments):
        self.asked.append((name, *arguments))
        return self.answers.get(name)

    def project_to_open(self):
        return self._answer("project_to_open")

    def new_project(self, start):
        return self._answer("new_project")

    def recordings(self):
        return self._answer("recordings") or ()

    def folder_of_recordings(self):
        return self._answer("folder_of_recordings")

    def folder_to_search(self):
        return self._answer("folder_to_search")

    def labels_to_import(self):
        return self._answer("labels_to_import")

    def textgrids_to_import(self):
        return self._answer("textgrids_to_import")

    def file_to_write(self, title, stem):
        return self._answer("file_to_write", stem)

    def clip_fields(self, fields, paths):
        return self._answer("clip_fields", fields, len(paths))

    def model(self, models, in_use):
        return self._answer("model", models, in_use)

    def emotions(self, emotions, used):
        return self._answer("emotions", used)


@pytest.fixture
def recordings(tmp_path):
    """Three short recordings in a folder."""
    folder = tmp_path / "market"
    folder.mkdir()
    times = np.arange(16_000) / 16_000
    for number, seconds in enumerate((1.0, 0.5, 0.75), start=1):
        tone = 0.3 * np.sin(2 * np.pi * 200 * number * times[: int(16_000 * seconds)])
        soundfile.write(folder / f"k_{number:04}.wav", tone, 16_000)
    return folder


@pytest.fixture
def ask():
    return Answers()


@pytest.fixture
def studio(qtbot, ask):
    studio = Studio(starts_engine=False, ask=ask)
    qtbot.addWidget(studio.window)
    studio.show()
    studio.window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is studio.window, timeout=TIMEOUT_MS)
    yield studio
    studio.close()


class Driver:
    """Drives the window as a person would, and looks at what is on the disk."""

    def __init__(self, studio, qtbot):
        self.studio = studio
        self.window = studio.window
        self._qtbot = qtbot

    def open(self, *paths):
        """Open recordings or a project and wait until the first clip is drawn."""
        with self._qtbot.waitSignal(self.studio.source.source_completed, timeout=TIMEOUT_MS):
            self.studio.open(paths)
        self.wait_until(lambda: not self.studio.recordings.is_busy)
        self.window.message_bar.dismiss()

    def wait_until(self, condition):
        self._qtbot.waitUntil(condition, timeout=TIMEOUT_MS)

    def key(self, key, modifier=Qt.KeyboardModifier.NoModifier, widget=None):
        self._qtbot.keyClick(widget or self.window, key, modifier)

    def type(self, widget, text):
        self._qtbot.keyClicks(widget, text)

    def click(self, widget, **where):
        self._qtbot.mouseClick(widget, Qt.MouseButton.LeftButton, **where)

    def drag(self, widget, start_x, end_x, y=None):
        """Drag over a widget, at half its height."""
        y, left = widget.height() // 2 if y is None else y, Qt.MouseButton.LeftButton
        self._qtbot.mousePress(widget, left, pos=QPoint(start_x, y))
        self._qtbot.mouseMove(widget, QPoint((start_x + end_x) // 2, y))
        self._qtbot.mouseMove(widget, QPoint(end_x, y))
        self._qtbot.mouseRelease(widget, left, pos=QPoint(end_x, y))

    def button(self, name):
        """Return the button with an accessible name that begins so."""
        return next(
            button
            for button in self.window.findChildren(QAbstractButton)
            if button.accessibleName().startswith(name)
        )

    @property
    def clip_ids(self):
        return self.window.clip_list.shown_clip_ids()

    @property
    def clip_id(self):
        """The clip on screen."""
        return self.studio.annotate.clip.clip_id

    @property
    def labels_on_disk(self):
        """What another process would read now."""
        with ProjectStore.open(self.studio.project.store.folder, read_only=True) as store:
            return store.labels()

    def cells(self, clip_id):
        """Return the texts of a clip's row."""
        row = self.studio.clips.row_of(clip_id)
        return [self.studio.clips.index(row, column).data() for column in Column]

    def suggest(self, clip_id, emotion="sadness", confidence=0.64, **facts):
        """Let the model have heard a clip."""
        analysis = make_analysis(emotion, confidence, **facts)
        self.studio.analysis.analysis_ready.emit(clip_id, analysis)


@pytest.fixture
def driver(studio, qtbot):
    return Driver(studio, qtbot)


@pytest.fixture
def opened(driver, recordings):
    """The window with the three recordings in a project, the first on screen."""
    driver.open(recordings)
    return driver


def make_analysis(emotion="sadness", confidence=0.64, frames=50, **facts):
    values = np.full((frames, 4), 0.12, np.float32)
    values[:, CLASSES.index(emotion)] = 0.64
    return Analysis(
        duration_s=1.0,
        model=ModelId(name="default", sha256="ab" * 32),
        posteriors=Posteriors(classes=CLASSES, frame_rate_hz=50.0, values=values),
        utterance=UtterancePosterior(
            emotion=emotion,
            posterior=values[0],
            confidence=confidence,
            statistics="none",
            **facts,
        ),
        functionals=np.zeros(4, np.float32),
    )
