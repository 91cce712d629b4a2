"""The window's QActions, made from the action table."""

from collections.abc import Callable, Sequence

from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu

from app.window.action_row import ActionRow
from app.window.action_table import ACTIONS, ANSWER_PREFIX, answer_rows
from clser_engine.labels import Emotion


class ActionSet:
    """Makes the actions and menus of a window and keeps why an action cannot be used.

    Args:
        window: Gets the actions, so that their keys work anywhere in it.
    """

    def __init__(self, window: QMainWindow) -> None:
        self._window = window
        self._menus: dict[str, QMenu] = {}
        self._groups: dict[str, QActionGroup] = {}
        self._actions: dict[str, QAction] = {}
        self._rows: dict[str, ActionRow] = {}
        self._reasons: dict[str, str] = {}
        self._answer_ids: tuple[str, ...] = ()
        for row in ACTIONS:
            menu = self._menu(row.menu)
            if row.starts_group:
                menu.addSeparator()
            menu.addAction(self._make(row))

    def __getitem__(self, action_id: str) -> QAction:
        return self._actions[action_id]

    def rows(self) -> tuple[ActionRow, ...]:
        """Return the table's rows, with the answers now allowed at the top of the Label menu."""
        answers = [self._rows[action_id] for action_id in self._answer_ids]
        others = [row for row in self._rows.values() if row not in answers]
        first = next(i for i, row in enumerate(others) if row.action_id == "accept")
        return (*others[:first], *answers, *others[first:])

    def menu(self, title: str) -> QMenu:
        """Return a menu by its title as in the table."""
        return self._menu(title)

    def connect(self, action_id: str, slot: Callable[[], object]) -> None:
        """Call the slot when the person chooses the action."""
        self._actions[action_id].triggered.connect(lambda _checked: slot())

    def set_answers(self, emotions: Sequence[Emotion], chosen: Callable[[str], object]) -> None:
        """Make the actions that answer anew; `chosen` gets the answer's name."""
        for action_id in self._answer_ids:
            action = self._actions.pop(action_id)
            del self._rows[action_id]
            del self._reasons[action_id]
            self._window.removeAction(action)
            action.deleteLater()
        rows = answer_rows(emotions)
        self._answer_ids = tuple(row.action_id for row in rows)
        menu, before = self._menu("&Label"), self._actions["accept"]
        for row in rows:
            action = self._make(row)
            menu.insertAction(before, action)
            answer = row.action_id.removeprefix(ANSWER_PREFIX)
            action.triggered.connect(lambda _checked, answer=answer: chosen(answer))

    def allow(self, action_id: str, why_not: str = "") -> None:
        """Enable an action, or disable it with the sentence that says why."""
        if self._reasons.get(action_id) == why_not:
            return  # asked for every action after every key
        self._reasons[action_id] = why_not
        action, row = self._actions[action_id], self._rows[action_id]
        action.setEnabled(not why_not)
        keys = f"  ({shown_key(row)})" if row.keys else ""
        action.setToolTip(why_not or f"{row.help}{keys}")
        action.setStatusTip(why_not or row.help)

    def allow_answers(self, why_not: str = "") -> None:
        """Enable or disable every action that answers."""
        for action_id in self._answer_ids:
            self.allow(action_id, why_not)

    def _make(self, row: ActionRow) -> QAction:
        action = QAction(row.text, self._window)
        action.setObjectName(row.action_id)
        action.setShortcuts([QKeySequence(key) for key in row.keys])
        action.setCheckable(row.checkable)
        if row.group:
            self._group(row.group).addAction(action)
        action.setAutoRepeat(row.repeats)
        self._window.addAction(action)
        self._actions[row.action_id] = action
        self._rows[row.action_id] = row
        self.allow(row.action_id)
        return action

    def _group(self, name: str) -> QActionGroup:
        if name not in self._groups:
            self._groups[name] = QActionGroup(self._window)
        return self._groups[name]

    def _menu(self, path: str) -> QMenu:
        if path not in self._menus:
            above, _, title = path.rpartition("/")
            bar = self._menu(above) if above else self._window.menuBar()
            menu = bar.addMenu(title)
            menu.setToolTipsVisible(True)
            menu.setAccessibleName(title.replace("&", ""))
            self._menus[path] = menu
        return self._menus[path]


def shown_key(row: ActionRow) -> str:
    """Return the first key of a row as this computer writes it."""
    return QKeySequence(row.keys[0]).toString(QKeySequence.SequenceFormat.NativeText)
