"""Scores the clips of a project relative to each other, as they come in and as the person wishes.

A voice is loud or high only against others. What a model says of a clip is therefore computed again
with the statistics of all clips of the project, or of its speaker, whenever more of them are known.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from app.controllers.analysis_controller import AnalysisController
from app.controllers.annotate_controller import AnnotateController
from app.controllers.engine_controller import EngineController
from app.controllers.model_controller import ModelInUse
from app.controllers.project_controller import ProjectController
from app.domain.clips import Guess
from app.domain.edits import Changes
from app.domain.guesses import (
    count_changed,
    is_answered,
    looks_the_same,
    new_guess,
    speaker_names,
)
from app.errors import explain
from app.jobs.runner import Job, JobRunner
from app.services.engine_process import EngineStatus
from app.services.project_store import ProjectStore
from clser_engine.client import DEFAULT_MODEL, EngineClient, StatisticsMode
from clser_engine.errors import EngineLostError
from clser_engine.runtime import RunContext
from clser_engine.types import GroupSummary, UtterancePosterior

MODES: Final[tuple[StatisticsMode, ...]] = ("auto", "none", "project", "speaker")
MODE_KEY, SHARE_KEY = "statistics", "propagate"  # of the project's view state
WORDS_KEY = "statistics_words"  # what the suggestions in the project rest on
LANE = "scoring"
DELAY_MS = 300  # clips come in one after the other
REST_FACTOR = 8  # scoring takes no more than this part of the time while clips come in
WAITS = "This waits for the engine."
EARLIER = "by an earlier model"  # where the one in use has heard no clip yet
STORE_PART = 200  # guesses: their commit and the rows in the list stay well under 50 ms


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsState:
    """What suggestions rest on, for the person.

    Args:
        mode: What was chosen.
        shares: Whether similar recordings share what they say.
        words: What was used, for example `adapted to 34 clips of this project`; empty at first.
        notices: One sentence each.
        is_busy: Whether the person waits for it.
        effect: What the last choice changed, one sentence, or empty.
    """

    mode: StatisticsMode = "auto"
    shares: bool = False
    words: str = ""
    notices: tuple[str, ...] = ()
    is_busy: bool = False
    effect: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """What is asked of the engine, plain data for a thread.

    Args:
        reference: The model as the engine is asked for it.
        model: The same as `name@hash`.
        mode: By which statistics.
        shares: Whether similar recordings share what they say.
        sha256_of_clip: The recordings, by clip.
        speaker_of_clip: Who speaks, by clip, empty where unknown.
        known: Guesses as they are.
    """

    reference: str
    model: str
    mode: StatisticsMode
    shares: bool
    sha256_of_clip: Mapping[str, str]
    speaker_of_clip: Mapping[str, str]
    known: Mapping[str, Guess]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scored:
    """What came of a wish.

    Args:
        guesses: Of all clips that the engine knows, by clip.
        news: Those of them that look different from what was known.
        utterances: What they were made of, by clip.
    """

    guesses: Mapping[str, Guess]
    news: tuple[Guess, ...]
    utterances: Mapping[str, UtterancePosterior]
    summary: GroupSummary


class StatisticsController(QObject):
    """Keeps suggestions in step with the clips of the project; what was answered stays.

    Args:
        runner: Gives the thread that waits for the engine.
        engine: Says when there is an engine, and with which model.
        project: Owner of the open project.
        annotate: Has the analyses at hand.
        analysis: Says what was analysed.

    Signals:
        state_changed: The new `StatisticsState`.
    """

    state_changed = Signal(object)

    def __init__(
        self,
        runner: JobRunner,
        engine: EngineController,
        project: ProjectController,
        annotate: AnnotateController,
        analysis: AnalysisController,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._runner = runner
        self._engine = engine
        self._project = project
        self._annotate = annotate
        self._analysis = analysis
        self._state = StatisticsState()
        self._reference, self._model = DEFAULT_MODEL, ""
        self._hashes: dict[str, str] = {}  # of clips analysed since the project was opened
        self._latest: Mapping[str, Guess] = {}
        self._unstored: deque[Guess] = deque()
        self._job: Job | None = None
        self._is_due = False
        self._was_chosen = False
        self._cost_s = 0.0
        self._started_s = 0.0
        self._delay = QTimer(self, singleShot=True)
        self._delay.timeout.connect(self._score)
        self._storing = QTimer(self, interval=0)
        self._storing.timeout.connect(self._store_some)
        analysis.audio_hashed.connect(self._on_audio_hashed)
        analysis.queue_changed.connect(self._on_queue_changed)
        engine.state_changed.connect(self._on_engine_state_changed)
        project.project_opened.connect(self._on_project_opened)
        project.project_closed.connect(self._on_project_closed)
        project.changed.connect(self._on_changed)

    @property
    def state(self) -> StatisticsState:
        """What suggestions rest on now."""
        return self._state

    @property
    def is_settled(self) -> bool:
        """Whether every clip that was heard is scored and what came of it is on disk."""
        return self._job is None and not self._is_due and not self._unstored

    @Slot(str)
    def choose_mode(self, mode: StatisticsMode) -> None:
        """Score by other statistics, at once; the project remembers it."""
        if mode != self._state.mode:
            self._project.store_view_state(MODE_KEY, mode)
            self._choose(replace(self._state, mode=mode))

    @Slot(bool)
    def choose_sharing(self, shares: bool) -> None:
        """Let similar recordings share what they say, or not; the project remembers it."""
        if shares != self._state.shares:
            self._project.store_view_state(SHARE_KEY, "yes" if shares else "")
            self._choose(replace(self._state, shares=shares))

    def _choose(self, state: StatisticsState) -> None:
        self._was_chosen = True
        self._set_state(replace(state, effect="", is_busy=True))
        self._want(0)

    @Slot(str, str)
    def _on_audio_hashed(self, clip_id: str, sha256: str) -> None:
        self._hashes[clip_id] = sha256
        self._is_due = True
        if not self._delay.isActive():  # not put off by each clip: they may come for an hour
            self._delay.start(self._rest_ms)

    @Slot(int, int)
    def _on_queue_changed(self, done: int, total: int) -> None:
        if self._is_due and done == total:
            self._delay.start(DELAY_MS)

    @Slot(object)
    def use_model(self, in_use: ModelInUse) -> None:
        """Score what another model says."""
        if (in_use.reference, in_use.model) == (self._reference, self._model):
            return
        self._reference, self._model = in_use.reference, in_use.model
        self._cancel()
        self._latest = {}
        if self._model:
            self._want(DELAY_MS)

    @Slot(object)
    def _on_engine_state_changed(self, status: EngineStatus) -> None:
        if self._is_due and status.kind == "ready" and not self._delay.isActive():
            self._delay.start(DELAY_MS)

    @Slot(object)
    def _on_project_opened(self, store: ProjectStore) -> None:
        wanted = store.view_state.get(MODE_KEY, "")
        mode = next((mode for mode in MODES if mode == wanted), MODES[0])
        self._set_state(
            StatisticsState(
                mode=mode,
                shares=bool(store.view_state.get(SHARE_KEY, "")),
                words=store.view_state.get(WORDS_KEY, ""),
            )
        )
        if store.guesses():
            self._want(DELAY_MS)

    @Slot()
    def _on_project_closed(self) -> None:
        self._cancel()
        self._hashes.clear()
        self._latest = {}
        self._set_state(StatisticsState())

    @Slot(object)
    def _on_changed(self, changes: Changes) -> None:
        """Score again where clips came, went or got another speaker.

        A clip whose answer was taken back is no longer kept as it was.
        """
        edit = changes.edit
        if edit.removed_labels:
            self._show_latest(frozenset(label.clip_id for label in edit.removed_labels))
        before = {clip.clip_id: clip for clip in edit.removed_clips}
        for clip in edit.added_clips:
            was = before.pop(clip.clip_id, None)
            has_heard = clip.clip_id in self._latest
            if has_heard and (
                was is None or (was.speaker, was.language) != (clip.speaker, clip.language)
            ):
                self._want(DELAY_MS)
                return
        if before.keys() & self._latest.keys():
            self._want(DELAY_MS)

    @property
    def _rest_ms(self) -> int:
        """How long to wait before clips that came in are scored."""
        return DELAY_MS + round(1000 * REST_FACTOR * self._cost_s)

    def _want(self, delay_ms: int) -> None:
        self._is_due = True
        self._delay.start(delay_ms)

    def _cancel(self) -> None:
        self._delay.stop()
        self._storing.stop()
        self._unstored.clear()
        self._is_due = False
        if self._job is not None:
            self._job.cancel()
            self._job = None

    @Slot()
    def _score(self) -> None:
        store, connection = self._project.store, self._engine.connection
        if store is None or not self._is_due:
            return
        if self._job is not None and not self._was_chosen:
            return  # its end starts it: begun anew with each clip it would never come to one
        if connection is None or not self._model:  # the next state of the engine starts it
            if self._was_chosen:
                self._set_state(replace(self._state, is_busy=False, effect=WAITS))
            return
        hashes = {
            clip.clip_id: sha256
            for clip in store.clips()
            if (sha256 := self._hashes.get(clip.clip_id) or clip.sha256)
        }
        self._is_due = False
        if not hashes or not (self._hashes or store.guesses()):  # nothing was heard yet
            self._set_state(replace(self._state, words="", notices=(), is_busy=False))
            return
        wish = _Wish(
            reference=self._reference,
            model=self._model,
            mode=self._state.mode,
            shares=self._state.shares,
            sha256_of_clip=hashes,
            speaker_of_clip=speaker_names(store.clips()),
            known=dict(store.guesses()),
        )
        self._started_s = time.monotonic()
        self._job = self._runner.submit_newest(LANE, "project", _work(connection.client, wish))
        self._job.succeeded.connect(self._on_scored)
        self._job.failed.connect(self._on_failed)
        # Calm: while clips come in, what was found last stays in sight until there is news.
        is_awaited = self._was_chosen or not self._state.words
        self._set_state(replace(self._state, is_busy=is_awaited))

    @Slot(object)
    def _on_scored(self, scored: _Scored) -> None:
        store = self._project.store
        if store is None:
            return
        self._job = None
        self._cost_s = time.monotonic() - self._started_s
        self._latest = scored.guesses
        news = [guess for guess in scored.news if not self._is_kept(store, guess.clip_id)]
        effect = ""
        if self._was_chosen:
            self._was_chosen = False
            changed, kept = count_changed(store.guesses(), news), len(scored.news) - len(news)
            effect = _effect(changed, kept, len(scored.guesses))
        clip = self._annotate.clip
        on_screen = clip.clip_id if clip is not None else ""
        news.sort(key=lambda guess: guess.clip_id != on_screen)  # what is looked at comes first
        self._unstored = deque(news)
        self._annotate.keep_utterances(scored.utterances)
        outdated = 0 if self._analysis.is_busy else self._count_outdated(store, scored)
        words = scored.summary.words if scored.guesses or not outdated else EARLIER
        self._project.store_view_state(WORDS_KEY, words)
        self._set_state(
            replace(
                self._state,
                words=words,
                notices=(*([_outdated(outdated)] if outdated else []), *scored.summary.notices),
                is_busy=False,
                effect=effect,
            )
        )
        if news:
            self._storing.start()
        if self._is_due and not self._delay.isActive():
            self._delay.start(self._rest_ms)

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        self._job = None
        self._is_due = True
        words = "" if isinstance(error, EngineLostError) else explain(error).sentence
        self._set_state(replace(self._state, is_busy=False, effect=words or self._state.effect))

    @Slot()
    def _store_some(self) -> None:
        """Write the next part: the window draws and listens between two of them."""
        store = self._project.store
        part: list[Guess] = []
        while self._unstored and len(part) < STORE_PART:
            guess = self._unstored.popleft()
            # removed or answered since it was computed: the person is quicker than the disk
            if store is not None and not self._is_kept(store, guess.clip_id):
                part.append(guess)
        if not self._unstored:
            self._storing.stop()
        if part:
            self._project.store_guesses(part)

    def _show_latest(self, clip_ids: frozenset[str]) -> None:
        """Bring the guesses of clips up to date that were answered until now."""
        store = self._project.store
        if store is None:
            return
        guesses = [
            guess
            for clip_id in clip_ids
            if (guess := self._latest.get(clip_id)) is not None
            and not self._is_kept(store, clip_id)
            and not looks_the_same(store.guesses().get(clip_id), guess)
        ]
        if guesses:
            self._unstored.extend(guesses)
            self._storing.start()

    def _is_kept(self, store: ProjectStore, clip_id: str) -> bool:
        """Whether the guess of a clip must stay: it is gone, or was answered."""
        if store.clip(clip_id) is None:
            return True
        return clip_id in store.guesses() and is_answered(store.labels_of(clip_id))

    def _count_outdated(self, store: ProjectStore, scored: _Scored) -> int:
        """Return how many suggestions without an answer another model has made."""
        return sum(
            guess.model != self._model and not self._is_kept(store, clip_id)
            for clip_id, guess in store.guesses().items()
            if clip_id not in scored.guesses
        )

    def _set_state(self, state: StatisticsState) -> None:
        if state != self._state:
            self._state = state
            self.state_changed.emit(state)


def _work(client: EngineClient, wish: _Wish) -> Callable[[RunContext], _Scored]:
    """Return the work of a thread: it holds plain data only."""

    def score(context: RunContext) -> _Scored:
        clips = list(wish.sha256_of_clip)
        found = client.score_project(
            wish.sha256_of_clip.values(),
            context,
            model=wish.reference,
            speakers=[wish.speaker_of_clip[clip_id] for clip_id in clips],
            statistics=wish.mode,
            propagate=wish.shares,
        )
        utterances = {
            clip_id: found.utterances[sha256]
            for clip_id, sha256 in wish.sha256_of_clip.items()
            if sha256 in found.utterances
        }
        guesses = {
            clip_id: new_guess(clip_id, wish.model, utterance)
            for clip_id, utterance in utterances.items()
        }
        news = tuple(
            guess
            for clip_id, guess in guesses.items()
            if not looks_the_same(wish.known.get(clip_id), guess)
        )
        return _Scored(guesses=guesses, news=news, utterances=utterances, summary=found.summary)

    return score


def _outdated(count: int) -> str:
    """Return what to do about suggestions of another model, as after the program was renewed."""
    are = "1 suggestion is" if count == 1 else f"{count:,} suggestions are"
    return f"{are} by an earlier model; Engine, Analyse all clips asks the present one."


def _effect(changed: int, kept: int, clips: int) -> str:
    """Return what a choice changed."""
    words = f"{changed:,} of {clips:,} suggestions changed"
    if not kept:
        return f"{words}."
    stay = "stays as it was" if kept == 1 else "stay as they were"
    return f"{words}; {kept:,} that you answered {stay}."
