"""The models that are installed, with what their cards say, to choose one from."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Final

from PySide6.QtCore import QLocale, Slot
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from app.dialogs.first_size import open_as_large_as
from clser_engine.client import DEFAULT_MODEL, InstalledModel

SPACE_PX = 8
IN_USE = " (in use)"
NON_COMMERCIAL = "-NC"
PERCENT = "; percent"  # each figure tells its unit itself
RECOGNISED = "How much it recognises"
CONFIDENCE = "How far its confidence is off"
UNKNOWN = "When it says that it doesn't know"
FIGURES_IN_WORDS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    # the words of each figure by heading, with the names that cards give it, the first counts
    RECOGNISED: {
        "Each recording by itself": ("one_file_uar",),
        "Relative to the other clips of a project": ("project_uar",),
        "Relative to the other clips of the speaker": ("speaker_uar",),
        "Moment by moment": ("frames_uar",),
    },
    CONFIDENCE: {
        "Each recording by itself": ("one_file_ece_after", "one_file_ece"),
        "Relative to the other clips of a project": ("project_ece_after", "project_ece"),
        "Relative to the other clips of the speaker": ("speaker_ece_after",),
    },
    UNKNOWN: {
        "Speech that gets an emotion": ("known_speech",),
        "The same for the emotion that it knows least": ("known_speech_of_worst_emotion",),
        "The same for noisy, muffled or distant speech": ("known_damaged_speech",),
        "Noise and music that get one by mistake": ("known_noises",),
    },
}
REMARKS = {
    RECOGNISED: "Of each emotion, the share of clips that it gets right, on average over the"
    " emotions; guessing gets {guessing:.0f}&nbsp;%.",
    CONFIDENCE: "Between how sure it says to be and how often it is right, in points on average.",
}


def language_in_words(code: str) -> str:
    """Return the name of a language by its code of two or three letters, else the code."""
    language = QLocale.codeToLanguage(code)
    if language == QLocale.Language.AnyLanguage:
        return code
    return QLocale.languageToString(language)


def card_as_html(model: InstalledModel) -> str:
    """Return what a model says of itself."""
    title = f"<h3>{escape(model.model_id.name)}</h3>"
    if model.problem:
        return f"{title}<p>It cannot be used: {escape(model.problem)}</p>"
    licence = escape(model.licence)
    if NON_COMMERCIAL in model.licence.upper():
        licence += " (not for commercial use)"
    facts = _rows(
        [
            ("Tells apart", ", ".join(map(escape, model.classes))),
            ("Has heard", ", ".join(escape(language_in_words(code)) for code in model.languages)),
            ("Corpora", ", ".join(map(escape, model.corpora))),
            ("Licence", licence),
            ("Hash", f"{model.model_id.sha256[:12]}…"),
        ]
    )
    return f"{title}<p>{escape(model.summary)}</p>{facts}{_figures_as_html(model)}"


def _figures_as_html(model: InstalledModel) -> str:
    guessing = 100 / max(len(model.classes), 1)
    found = ""
    for heading, figures in FIGURES_IN_WORDS.items():
        unit = "points" if heading == CONFIDENCE else "%"
        known: dict[str, str] = {}
        for words, names in figures.items():
            for name in names:
                if name in model.figures:
                    known.setdefault(words, f"{_whole(model.figures[name])}&nbsp;{unit}")
        if known:
            remark = REMARKS.get(heading, "").format(guessing=guessing)
            found += f"<h4>{heading}</h4>{_rows(known.items())}"
            found += f"<p>{remark}</p>" if remark else ""
    if found and model.protocol:
        found += f"<p>Measured so: {escape(model.protocol.removesuffix(PERCENT))}.</p>"
    return found


def _whole(percent: float) -> int:
    """Return a whole number, 0 and 100 only where it is exactly that."""
    return min(max(round(percent), 1), 99) if 0.0 < percent < 100.0 else round(percent)


def _rows(rows: Iterable[tuple[str, str]]) -> str:
    cells = "".join(
        f"<tr><td>{name}:&nbsp;&nbsp;</td><td>{value}</td></tr>" for name, value in rows if value
    )
    return f"<table cellpadding='2'>{cells}</table>"


class ModelsDialog(QDialog):
    """Shows models; `exec` returns `USE` for the one that is selected, or `FOLDER` for another.

    Args:
        models: Those that are installed.
        in_use: Reference of the one that hears the clips now.
        parent: Owner.
    """

    USE: Final = 1  # what accepting gives
    FOLDER: Final = 2

    def __init__(
        self, models: Sequence[InstalledModel], in_use: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Models")
        self._models = tuple(models)
        self._in_use = in_use
        self._list = QListWidget(self)
        self._list.setAccessibleName("Installed models")
        self._list.setMaximumWidth(220)
        for model in self._models:
            self._list.addItem(QListWidgetItem(self._title(model)))
        self._card = QTextBrowser(self)
        self._card.setAccessibleName("What the model says of itself")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self._use = buttons.addButton(
            "&Use for this project", QDialogButtonBox.ButtonRole.AcceptRole
        )
        folder = buttons.addButton("Open a &folder…", QDialogButtonBox.ButtonRole.ActionRole)
        folder.setToolTip("Use a model that lies somewhere else on this computer")
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        folder.clicked.connect(lambda: self.done(self.FOLDER))
        top = QHBoxLayout()
        top.setSpacing(SPACE_PX)
        top.addWidget(self._list)
        top.addWidget(self._card, stretch=1)
        layout = QVBoxLayout(self)
        layout.addLayout(top)
        layout.addWidget(buttons)
        open_as_large_as(self, 760, 560)
        self._list.currentRowChanged.connect(self._show_card)
        rows = [row for row, model in enumerate(self._models) if model.reference == in_use]
        self._list.setCurrentRow(rows[0] if rows else 0)
        self._show_card(self._list.currentRow())

    @property
    def reference(self) -> str:
        """The model that is selected."""
        return self._models[self._list.currentRow()].reference

    def _title(self, model: InstalledModel) -> str:
        name = model.model_id.name
        if model.reference == DEFAULT_MODEL:
            name = "default" if name == DEFAULT_MODEL else f"default: {name}"
        return name + (IN_USE if model.reference == self._in_use else "")

    @Slot(int)
    def _show_card(self, row: int) -> None:
        if not 0 <= row < len(self._models):
            self._card.setPlainText("The engine has not said yet which models there are.")
            self._use.setEnabled(False)
            return
        model = self._models[row]
        self._card.setHtml(card_as_html(model))
        is_in_use = model.reference == self._in_use
        self._use.setEnabled(not is_in_use and not model.problem)
        self._use.setToolTip(
            model.problem or ("It hears the clips of this project already." if is_in_use else "")
        )
