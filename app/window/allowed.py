"""Which actions can be used, and why the others cannot."""

from app.domain.clips import Clip
from app.services.project_store import ProjectStore

NO_PROJECT = "Open a project first."
NO_CLIP = "Choose a clip first."
READ_ONLY = "The project is read-only."
UNREADABLE = "This recording cannot be read."

NEED_PROJECT = (
    *("close_project", "export_labels", "find", "propagate"),
    *("statistics_auto", "statistics_none", "statistics_project", "statistics_speaker"),
)
NEED_WRITABLE = ("import_labels", "import_textgrids", "locate_missing", "edit_emotions")
NEED_SOUND = (
    *("play_pause", "play_selection", "to_start", "cursor_left", "cursor_right"),
    *("span_start", "span_end"),
    *("zoom_in", "zoom_out", "zoom_fit", "pan_left", "pan_right"),
)
NEED_CLIPS = ("next_clip", "previous_clip", "next_unanswered")


def why_not_of(
    *,
    store: ProjectStore | None,
    clip: Clip | None,
    num_selected: int,
    has_label: bool,
    has_span: bool,
    has_analysis: bool,
    undo_name: str,
    redo_name: str,
    engine: str,
) -> dict[str, str]:
    """Return for each action that depends on the state the reason it is off, empty if it is on.

    Args:
        store: The open project.
        clip: The clip on screen.
        num_selected: Selected clips in the list.
        has_label: Whether the clip on screen has a label.
        has_span: Whether a stretch is selected.
        has_analysis: Whether the posteriors of the clip on screen are at hand.
        undo_name: The step that can be undone, or empty.
        redo_name: The step that can be redone, or empty.
        engine: State of the engine.
    """
    no_project = "" if store is not None else NO_PROJECT
    writable = no_project or (READ_ONLY if store is not None and store.is_read_only else "")
    no_clip = no_project or ("" if clip is not None else NO_CLIP)
    no_sound = no_clip or (UNREADABLE if clip and clip.problem else "")
    has_clips = store is not None and bool(store.clips_by_id())
    no_clips = no_project or ("" if has_clips else "The project has no clips yet.")
    why_not = dict.fromkeys(NEED_PROJECT, no_project)
    why_not |= dict.fromkeys(NEED_WRITABLE, writable)
    why_not |= dict.fromkeys(NEED_SOUND, no_sound)
    why_not |= dict.fromkeys(NEED_CLIPS, no_clips)
    # without a project recordings may still be added: one is made for them
    can_add = writable if store is not None else ""
    no_selection = writable or ("" if num_selected else "Select clips in the list first.")
    no_engine = "The engine failed: restart it first." if engine == "failed" else ""
    return why_not | {
        "add_files": can_add,
        "add_folder": can_add,
        "clip_fields": no_selection,
        "remove_clips": no_selection,
        "undo": writable or ("" if undo_name else "There is nothing to undo."),
        "redo": writable or ("" if redo_name else "Nothing was undone."),
        "remove_label": writable or no_clip or ("" if has_label else "This clip has no label."),
        "zoom_to_span": no_sound or ("" if has_span else "Select a stretch first: drag over it."),
        "clear_selection": "" if has_span else "Nothing is selected.",
        "analyse_clip": no_sound or no_engine,
        "analyse_all": no_clips or no_engine,
        "models": no_project,
        "export_posteriors": no_clip
        or ("" if has_analysis else "The model has not heard this clip yet."),
    }
