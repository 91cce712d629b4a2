"""What the window looked like, remembered for the next time."""

import base64
import binascii
import json

from PySide6.QtCore import QByteArray, QObject, QTimer, Slot

from app.controllers.annotate_controller import AnnotateController
from app.controllers.project_controller import ProjectController
from app.controllers.settings_controller import SettingsController
from app.services.project_store import ProjectStore
from app.window.main_window import MainWindow

LAST_CLIP = "last_clip"
LAST_VIEW = "last_view"
REST_MS = 1500


class Session(QObject):
    """Restores and remembers geometry (for the person) and last clip and zoom (for the project)."""

    def __init__(
        self,
        window: MainWindow,
        settings: SettingsController,
        project: ProjectController,
        annotate: AnnotateController,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._settings = settings
        self._project = project
        self._annotate = annotate
        self._rest = QTimer(self, interval=REST_MS, singleShot=True)
        self._rest.timeout.connect(self.remember_view)

    def restore_window(self) -> None:
        """Put the window where it was, unless that was on a screen of quite another size."""
        settings = self._settings.settings
        if self._window.restoreGeometry(_from_text(settings.window_geometry)):
            self._window.annotate.splitter.restoreState(_from_text(settings.window_state))

    def remember_window(self) -> None:
        """Remember where the window is."""
        self._settings.change(
            window_geometry=_to_text(self._window.saveGeometry()),
            window_state=_to_text(self._window.annotate.splitter.saveState()),
        )

    def last_clip_id(self, store: ProjectStore) -> str:
        """Return the clip that was on screen last in a project, or empty."""
        clip_id = store.view_state.get(LAST_CLIP, "")
        return clip_id if store.clip(clip_id) is not None else ""

    def restore_view(self, clip_id: str) -> None:
        """Show the stretch of the clip that was shown last."""
        store = self._project.store
        if store is None or store.view_state.get(LAST_CLIP) != clip_id:
            return
        span = _span_from(store.view_state.get(LAST_VIEW, ""))
        if span is not None:
            self._window.timeline.set_visible_span(*span)

    @Slot()
    def remember_view_soon(self) -> None:
        """Remember the view once it rests."""
        self._rest.start()

    @Slot()
    def remember_view(self) -> None:
        """Remember which stretch of which clip is shown."""
        self._rest.stop()
        clip = self._annotate.clip
        if clip is not None:
            span = self._window.timeline.visible_span
            self._project.store_view_state(LAST_CLIP, clip.clip_id)
            self._project.store_view_state(LAST_VIEW, json.dumps([span.start_s, span.end_s]))


def _to_text(state: QByteArray) -> str:
    return base64.b64encode(state.data()).decode("ascii")


def _from_text(text: str) -> QByteArray:
    try:
        return QByteArray(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        return QByteArray()


def _span_from(text: str) -> tuple[float, float] | None:
    try:
        start_s, end_s = json.loads(text)
        return (float(start_s), float(end_s)) if 0 <= start_s < end_s else None
    except (TypeError, ValueError):
        return None
