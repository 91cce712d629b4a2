"""Asks the engine about clips and passes on what it says: to the screen, and to the project."""

from collections.abc import Iterable

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from app.controllers.analysis_controller import AnalysisController
from app.controllers.annotate_controller import AnnotateController
from app.controllers.model_controller import ModelInUse
from app.controllers.project_controller import ProjectController
from app.domain.clips import Clip, Guess
from app.domain.guesses import ALONE, is_answered, new_guess
from app.domain.labels import Label
from clser_engine.client import DEFAULT_MODEL
from clser_engine.types import Analysis

STORE_DELAY_MS = 300


class SuggestionController(QObject):
    """Keeps a suggestion for each clip that the model has heard; it never makes a label.

    Signals:
        state_changed: What is going on with the clip on screen, in words, empty for nothing.
    """

    state_changed = Signal(str)

    def __init__(
        self,
        project: ProjectController,
        annotate: AnnotateController,
        analysis: AnalysisController,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._project = project
        self._annotate = annotate
        self._analysis = analysis
        annotate.clip_changed.connect(self._on_clip_changed)
        analysis.analysis_ready.connect(self._on_analysis_ready)
        analysis.analysis_failed.connect(self._on_analysis_failed)
        analysis.analysis_progressed.connect(self._on_analysis_progressed)
        project.project_closed.connect(self._on_project_closed)
        self._reference, self._model = DEFAULT_MODEL, ""
        self._heard: dict[str, str] = {}  # by which model, since the project was opened
        self._unstored: list[Guess] = []
        self._timer = QTimer(self, interval=STORE_DELAY_MS, singleShot=True)
        self._timer.timeout.connect(self._store)

    @Slot()
    def analyse_clip(self) -> None:
        """Ask about the clip on screen."""
        clip = self._annotate.clip
        if clip is not None and not clip.problem:
            self._analysis.analyze(clip.clip_id, clip.path)

    @Slot(object)
    def use_model(self, in_use: ModelInUse) -> None:
        """Ask another model from now on: what the one before said counts as not heard."""
        is_other = in_use.reference != self._reference
        self._reference, self._model = in_use.reference, in_use.model
        if is_other:
            self._analysis.cancel_all()
            self._analysis.set_model(in_use.reference)
            self._annotate.forget_analyses()
            self._heard.clear()
            self._on_clip_changed(self._annotate.clip)
        if in_use.was_chosen and in_use.model:
            self.analyse_all()

    @Slot()
    def analyse_all(self) -> None:
        """Ask about every readable clip that the model in use has not heard yet."""
        store = self._project.store
        if store is None:
            return
        known = {
            clip_id
            for clip_id, guess in store.guesses().items()
            if self._model in ("", guess.model)  # empty while the engine starts
        }
        known |= {clip_id for clip_id, model in self._heard.items() if model == self._model}
        self._analysis.analyze_all(
            (clip.clip_id, clip.path)
            for clip in store.clips()
            if clip.clip_id not in known and not clip.problem
        )

    @Slot(str)
    def analyse_added(self, sentence: str) -> None:
        """Ask about recordings that were added; the sentence is empty when none were."""
        if sentence:
            self.analyse_all()

    @Slot(object)
    def _on_clip_changed(self, clip: Clip | None) -> None:
        if clip is None or clip.problem or self._annotate.has_analysis(clip.clip_id):
            self.state_changed.emit("")
            return
        self.state_changed.emit("waits for the engine")
        self._analysis.analyze(clip.clip_id, clip.path)

    @Slot(str, object)
    def _on_analysis_ready(self, clip_id: str, analysis: Analysis) -> None:
        store = self._project.store
        if store is None or store.clip(clip_id) is None:
            return  # removed, or the project was closed meanwhile
        guess = new_guess(clip_id, str(analysis.model), analysis.utterance)
        self._heard[clip_id] = guess.model
        if _is_news(guess, store.guesses().get(clip_id), store.labels_of(clip_id)):
            self._unstored.append(guess)
        if self._is_on_screen(clip_id):
            self._store()
            self.state_changed.emit("")
        elif not self._timer.isActive():
            self._timer.start()
        self._annotate.keep_analysis(clip_id, analysis)

    @Slot(str, str)
    def _on_analysis_failed(self, clip_id: str, sentence: str) -> None:
        self._annotate.keep_problem(clip_id, sentence)
        if self._is_on_screen(clip_id):
            self.state_changed.emit("not analysed")

    @Slot(str, str, float)
    def _on_analysis_progressed(self, clip_id: str, _stage: str, fraction: float) -> None:
        if self._is_on_screen(clip_id):
            self.state_changed.emit(f"analysing {fraction:.0%}")

    @Slot()
    def _on_project_closed(self) -> None:
        self._store()
        self._heard.clear()
        self._analysis.cancel_all()

    @Slot()
    def _store(self) -> None:
        """Write the suggestions that came in: together, because each write waits for the disk."""
        self._timer.stop()
        guesses, self._unstored = self._unstored, []
        store = self._project.store
        if store is not None:
            known = [guess for guess in guesses if store.clip(guess.clip_id) is not None]
            if known:
                self._project.store_guesses(known)

    def _is_on_screen(self, clip_id: str) -> bool:
        clip = self._annotate.clip
        return clip is not None and clip.clip_id == clip_id


def _is_news(guess: Guess, before: Guess | None, labels: Iterable[Label]) -> bool:
    """Whether what a model says of a clip alone shall be kept.

    What was answered stays as it was, and what rests on the whole project is only replaced by what
    rests on more of it.
    """
    if before is None:
        return True
    rests_on_others = before.model == guess.model and before.statistics not in ALONE
    return not rests_on_others and not is_answered(labels)
