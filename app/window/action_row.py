"""One row of the action table."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRow:
    """One thing the window can do.

    Args:
        action_id: Name by which code refers to it.
        menu: Menu that holds it; a nested menu follows a slash.
        text: Words in the menu, `&` before the letter to press with Alt.
        help: One sentence for the tooltip and the list of keys.
        keys: Key sequences in Qt's portable text; the first is the one that is shown.
        checkable: Whether it is an option that is on or off.
        group: Options of the same group, of which one is on, or empty.
        repeats: Whether holding the key down does it again and again.
        starts_group: Whether a line is drawn above it in the menu.
    """

    action_id: str
    menu: str
    text: str
    help: str
    keys: tuple[str, ...] = ()
    checkable: bool = False
    group: str = ""
    repeats: bool = False
    starts_group: bool = False
