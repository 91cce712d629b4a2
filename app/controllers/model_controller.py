"""Which model hears the recordings of a project, and which there are to choose from."""

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal, Slot

from app.controllers.engine_controller import EngineController
from app.controllers.project_controller import ProjectController
from app.errors import explain
from app.jobs.runner import Job, JobRunner
from app.services.engine_process import EngineStatus
from app.services.project_store import ProjectStore
from clser_engine.client import DEFAULT_MODEL, InstalledModel
from clser_engine.errors import EngineLostError

MODEL_KEY = "model"  # of the project's view state
LANE = "models"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInUse:
    """The model that hears the recordings now.

    Args:
        reference: `default`, the name of an installed model, or a folder.
        model: `name@hash`, empty until the engine has said.
        was_chosen: Whether the person chose it just now, for all clips of the open project.
    """

    reference: str
    model: str = ""
    was_chosen: bool = False

    @property
    def is_default(self) -> bool:
        """Whether it is the one that comes with the program."""
        return self.reference == DEFAULT_MODEL


class ModelController(QObject):
    """Owns which model is in use; each project remembers its own.

    Args:
        runner: Gives the thread that asks the engine.
        engine: Knows the models.
        project: Owner of the open project.
        usual: Reference of the model of projects that have chosen none.

    Signals:
        models_changed: Tuple of `InstalledModel`.
        changed: The `ModelInUse`, when it is another one or when its hash became known.
        failed: One sentence.
    """

    models_changed = Signal(object)
    changed = Signal(object)
    failed = Signal(str)

    def __init__(
        self,
        runner: JobRunner,
        engine: EngineController,
        project: ProjectController,
        usual: str = DEFAULT_MODEL,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._runner = runner
        self._engine = engine
        self._project = project
        self._usual = usual
        self._wanted = usual
        self._was_chosen = False
        self._models: tuple[InstalledModel, ...] = ()
        self._in_use = ModelInUse(reference=usual)
        self._life = 0  # of the engine that was asked last
        self._job: Job | None = None
        engine.state_changed.connect(self._on_engine_state_changed)
        project.project_opened.connect(self._on_project_opened)

    @property
    def in_use(self) -> ModelInUse:
        """The model that hears the recordings now."""
        return self._in_use

    @property
    def models(self) -> tuple[InstalledModel, ...]:
        """What the engine has, empty until it has said."""
        return self._models

    @Slot(str)
    def choose(self, reference: str) -> None:
        """Use another model for the open project, which remembers it.

        Args:
            reference: `default`, the name of an installed model, or a folder.
        """
        self._project.store_view_state(MODEL_KEY, reference)
        self._use(reference, was_chosen=True)

    @Slot()
    def refresh(self) -> None:
        """Ask the engine again which models there are: one may have been installed meanwhile."""
        connection = self._engine.connection
        if connection is None:
            return
        self._life = connection.life
        client, wanted = connection.client, (self._wanted,)
        self._job = self._runner.submit_newest(
            LANE, "list", lambda context: client.list_models(context, wanted)
        )
        self._job.succeeded.connect(self._on_listed)
        self._job.failed.connect(self._on_failed)

    @Slot(object)
    def _on_engine_state_changed(self, status: EngineStatus) -> None:
        connection = self._engine.connection
        if status.kind in ("ready", "busy") and connection and connection.life != self._life:
            self.refresh()

    @Slot(object)
    def _on_project_opened(self, store: ProjectStore) -> None:
        self._use(store.view_state.get(MODEL_KEY, "") or self._usual, was_chosen=False)

    def _use(self, reference: str, *, was_chosen: bool) -> None:
        self._wanted, self._was_chosen = reference, was_chosen
        if not any(model.reference == reference for model in self._models):
            self._set_in_use(ModelInUse(reference=reference, was_chosen=was_chosen))
            self.refresh()
        else:
            self._settle()

    @Slot(object)
    def _on_listed(self, models: tuple[InstalledModel, ...]) -> None:
        self._job = None
        if models != self._models:
            self._models = models
            self.models_changed.emit(models)
        self._settle()

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        self._job = None
        if isinstance(error, EngineLostError):
            self._life = 0  # the next engine is asked
        else:
            self.failed.emit(explain(error).sentence)

    def _settle(self) -> None:
        """Take what was wished for if it can be used, else the default."""
        known = {model.reference: model for model in self._models}
        wanted = known.get(self._wanted)
        if wanted is not None and wanted.problem and self._wanted != DEFAULT_MODEL:
            self.failed.emit(
                f"The model of this project cannot be used, so the default hears its clips:"
                f" {wanted.problem}"
            )
            self._wanted = DEFAULT_MODEL
            wanted = known.get(DEFAULT_MODEL)
        if wanted is not None:
            model = "" if wanted.problem else str(wanted.model_id)
            self._set_in_use(
                ModelInUse(reference=wanted.reference, model=model, was_chosen=self._was_chosen)
            )

    def _set_in_use(self, in_use: ModelInUse) -> None:
        if in_use != self._in_use:
            self._in_use = in_use
            self.changed.emit(in_use)
