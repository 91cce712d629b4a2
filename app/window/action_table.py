"""Every action of the window with its keys: menus, tooltips and the F1 list are made from here."""

from collections.abc import Sequence
from dataclasses import dataclass

from clser_engine.labels import NONE_OF_THESE, UNSURE, Emotion


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


ANSWER_PREFIX = "answer:"
"""Actions that answer are named by it and the answer, for example `answer:anger`."""

ACTIONS: tuple[ActionRow, ...] = (
    ActionRow(
        action_id="new_project",
        menu="&File",
        text="&New project…",
        help="Make an empty project folder for labels.",
        keys=("Ctrl+N",),
    ),
    ActionRow(
        action_id="open_project",
        menu="&File",
        text="&Open project…",
        help="Open a project folder.",
        keys=("Ctrl+O",),
    ),
    ActionRow(
        action_id="open_demo",
        menu="&File",
        text="Open the &demo project",
        help="Open synthetic recordings in three languages to try everything on.",
    ),
    ActionRow(
        action_id="add_files",
        menu="&File",
        text="Add &recordings…",
        help="Add recordings to the project; the files stay where they are.",
        keys=("Ctrl+Shift+O",),
        starts_group=True,
    ),
    ActionRow(
        action_id="add_folder",
        menu="&File",
        text="Add a &folder…",
        help="Add every recording in a folder and the folders in it.",
        keys=("Ctrl+Shift+F",),
    ),
    ActionRow(
        action_id="locate_missing",
        menu="&File",
        text="&Locate missing files…",
        help="Search a folder for recordings that were moved, by their content.",
    ),
    ActionRow(
        action_id="import_labels",
        menu="&File",
        text="&Import labels…",
        help="Read labels from CSV, JSON or TextGrid.",
        starts_group=True,
    ),
    ActionRow(
        action_id="import_textgrids",
        menu="&File",
        text="Import a folder of &TextGrids…",
        help="Read labels from a folder that holds one TextGrid for each recording.",
    ),
    ActionRow(
        action_id="export_labels",
        menu="&File",
        text="&Export labels…",
        help="Write labels to CSV, JSON or TextGrid.",
        keys=("Ctrl+E",),
    ),
    ActionRow(
        action_id="export_posteriors",
        menu="&File",
        text="Export &posteriors…",
        help="Write what the model says of the clip on screen to CSV, JSON or TextGrid.",
    ),
    ActionRow(
        action_id="close_project",
        menu="&File",
        text="&Close project",
        help="Close the project; everything in it is already on disk.",
        keys=("Ctrl+W",),
        starts_group=True,
    ),
    ActionRow(
        action_id="quit",
        menu="&File",
        text="&Quit",
        help="Leave the program.",
        keys=("Ctrl+Q",),
    ),
    ActionRow(
        action_id="undo",
        menu="&Edit",
        text="&Undo",
        help="Take back the last change of the project.",
        keys=("Ctrl+Z",),
        repeats=True,
    ),
    ActionRow(
        action_id="redo",
        menu="&Edit",
        text="&Redo",
        help="Do again what was taken back.",
        keys=("Ctrl+Shift+Z", "Ctrl+Y"),
        repeats=True,
    ),
    ActionRow(
        action_id="clip_fields",
        menu="&Edit",
        text="Set &language and speaker…",
        help="Set language and speaker of the selected clips.",
        keys=("Ctrl+L",),
        starts_group=True,
    ),
    ActionRow(
        action_id="edit_emotions",
        menu="&Edit",
        text="&Emotions of the project…",
        help="Add, rename, recolour or remove the emotions that can be chosen.",
    ),
    ActionRow(
        action_id="remove_clips",
        menu="&Edit",
        text="Re&move clips from the project",
        help="Take the selected clips out of the project; the files stay.",
        keys=("Ctrl+Del", "Ctrl+Backspace"),
    ),
    ActionRow(
        action_id="find",
        menu="&Edit",
        text="&Find clips",
        help="Type a part of a name, speaker or language to filter the clips.",
        keys=("Ctrl+F",),
    ),
    ActionRow(
        action_id="accept",
        menu="&Label",
        text="&Accept the suggestion",
        help="Label the clip with the emotion that the model suggests.",
        keys=("Return", "Enter"),
    ),
    ActionRow(
        action_id="remove_label",
        menu="&Label",
        text="&Remove the label",
        help="Remove the label of the selected stretch, else that of the whole clip.",
        keys=("Del", "Backspace"),
    ),
    ActionRow(
        action_id="span_start",
        menu="&Label",
        text="&Start the stretch at the cursor",
        help="Select from the cursor on; a label that is selected then starts there.",
        keys=("[",),
        starts_group=True,
    ),
    ActionRow(
        action_id="span_end",
        menu="&Label",
        text="&End the stretch at the cursor",
        help="Select up to the cursor; a label that is selected then ends there.",
        keys=("]",),
    ),
    ActionRow(
        action_id="next_clip",
        menu="&Label",
        text="&Next clip",
        help="Go to the next clip in the list.",
        keys=("Down", "PgDown"),
        repeats=True,
        starts_group=True,
    ),
    ActionRow(
        action_id="previous_clip",
        menu="&Label",
        text="&Previous clip",
        help="Go to the previous clip in the list.",
        keys=("Up", "PgUp"),
        repeats=True,
    ),
    ActionRow(
        action_id="next_unanswered",
        menu="&Label",
        text="Next clip &without an answer",
        help="Go to the next clip in the list that nobody has answered.",
        keys=("Ctrl+Down",),
        repeats=True,
    ),
    ActionRow(
        action_id="auto_advance",
        menu="&Label",
        text="&Go on by itself",
        help="Go to the next clip after an answer about a whole clip.",
        checkable=True,
        starts_group=True,
    ),
    ActionRow(
        action_id="auto_play",
        menu="&Label",
        text="&Play each clip",
        help="Play a clip when it is opened.",
        checkable=True,
    ),
    ActionRow(
        action_id="play_pause",
        menu="&Play",
        text="&Play or pause",
        help="Play from the cursor, or pause.",
        keys=("Space",),
    ),
    ActionRow(
        action_id="play_selection",
        menu="&Play",
        text="Play &selection",
        help="Play the selected stretch, or the whole clip from its start.",
        keys=("Shift+Space",),
    ),
    ActionRow(
        action_id="loop",
        menu="&Play",
        text="&Loop",
        help="Play the selected stretch or the clip again and again.",
        keys=("R",),
        checkable=True,
    ),
    ActionRow(
        action_id="slower",
        menu="&Play",
        text="Sl&ower",
        help="Play a quarter slower, with the pitch kept.",
        keys=("J",),
    ),
    ActionRow(
        action_id="usual_speed",
        menu="&Play",
        text="&Usual speed",
        help="Play at the speed of the recording.",
        keys=("K",),
    ),
    ActionRow(
        action_id="faster",
        menu="&Play",
        text="&Faster",
        help="Play a quarter faster, with the pitch kept.",
        keys=("L",),
    ),
    ActionRow(
        action_id="to_start",
        menu="&Play",
        text="To the s&tart",
        help="Put the cursor at the start of the clip.",
        keys=("Home",),
    ),
    ActionRow(
        action_id="cursor_left",
        menu="&Play",
        text="Cursor &back",
        help="Move the cursor a little to earlier; less when zoomed in.",
        keys=(",",),
        repeats=True,
    ),
    ActionRow(
        action_id="cursor_right",
        menu="&Play",
        text="Cursor o&n",
        help="Move the cursor a little to later; less when zoomed in.",
        keys=(".",),
        repeats=True,
    ),
    ActionRow(
        action_id="zoom_in",
        menu="&View",
        text="Zoom &in",
        help="See a shorter stretch of the recording.",
        keys=("W", "+", "="),
        repeats=True,
    ),
    ActionRow(
        action_id="zoom_out",
        menu="&View",
        text="Zoom &out",
        help="See a longer stretch of the recording.",
        keys=("S", "-"),
        repeats=True,
    ),
    ActionRow(
        action_id="zoom_fit",
        menu="&View",
        text="&Whole clip",
        help="See the whole recording.",
        keys=("Q", "0"),
    ),
    ActionRow(
        action_id="zoom_to_span",
        menu="&View",
        text="Zoom to &selection",
        help="See the selected stretch as wide as the window.",
        keys=("E",),
    ),
    ActionRow(
        action_id="clear_selection",
        menu="&View",
        text="&Select nothing",
        help="Let answers be about the whole clip again.",
        keys=("Esc",),
    ),
    ActionRow(
        action_id="pan_left",
        menu="&View",
        text="Move &left",
        help="Move the view to earlier.",
        keys=("A", "Left"),
        repeats=True,
    ),
    ActionRow(
        action_id="pan_right",
        menu="&View",
        text="Move &right",
        help="Move the view to later.",
        keys=("D", "Right"),
        repeats=True,
    ),
    ActionRow(
        action_id="hide_suggestions",
        menu="&View",
        text="&Hide suggestions until answered",
        help="Show what the model says of a clip only after you have answered.",
        keys=("Ctrl+H",),
        checkable=True,
        starts_group=True,
    ),
    ActionRow(
        action_id="theme_system",
        menu="&View/&Theme",
        text="As the &system",
        help="Light or dark as the desktop says.",
        checkable=True,
        group="theme",
        starts_group=True,
    ),
    ActionRow(
        action_id="theme_light",
        menu="&View/&Theme",
        text="&Light",
        help="Light window.",
        checkable=True,
        group="theme",
    ),
    ActionRow(
        action_id="theme_dark",
        menu="&View/&Theme",
        text="&Dark",
        help="Dark window.",
        checkable=True,
        group="theme",
    ),
    ActionRow(
        action_id="analyse_clip",
        menu="E&ngine",
        text="&Analyse this clip",
        help="Ask the model about the clip on screen.",
        keys=("Ctrl+R",),
    ),
    ActionRow(
        action_id="analyse_all",
        menu="E&ngine",
        text="Analyse all &clips",
        help="Ask the model about every clip that it has not heard yet.",
        keys=("Ctrl+Shift+R",),
    ),
    ActionRow(
        action_id="models",
        menu="E&ngine",
        text="&Models…",
        help="See what the installed models were trained on and choose one for this project.",
        starts_group=True,
    ),
    ActionRow(
        action_id="statistics_auto",
        menu="E&ngine/&Suggestions",
        text="Compare clips where that is &safe",
        help="Compare clips with those of their speaker or of the project, where that is safe.",
        checkable=True,
        group="statistics",
    ),
    ActionRow(
        action_id="statistics_none",
        menu="E&ngine/&Suggestions",
        text="Judge each recording by &itself",
        help="Compare clips with nothing; the model is surer when it has others to compare.",
        checkable=True,
        group="statistics",
    ),
    ActionRow(
        action_id="statistics_project",
        menu="E&ngine/&Suggestions",
        text="Compare with &all clips of the project",
        help="Judge each clip relative to all clips of the project; five of them help already.",
        checkable=True,
        group="statistics",
    ),
    ActionRow(
        action_id="statistics_speaker",
        menu="E&ngine/&Suggestions",
        text="Compare with clips of the same s&peaker",
        help="Judge each clip relative to those of its speaker; set speakers in the Edit menu.",
        checkable=True,
        group="statistics",
    ),
    ActionRow(
        action_id="propagate",
        menu="E&ngine/&Suggestions",
        text="Let similar &recordings share suggestions",
        help="Let clips that sound alike pull each other's suggestions together.",
        checkable=True,
        starts_group=True,
    ),
    ActionRow(
        action_id="device_auto",
        menu="E&ngine/&Device",
        text="&Automatic",
        help="Let the engine choose what the model runs on.",
        checkable=True,
        group="device",
        starts_group=True,
    ),
    ActionRow(
        action_id="device_cpu",
        menu="E&ngine/&Device",
        text="&Processor (CPU)",
        help="Run the model on the processor; waiting recordings are kept.",
        checkable=True,
        group="device",
    ),
    ActionRow(
        action_id="device_cuda",
        menu="E&ngine/&Device",
        text="&Graphics card (CUDA)",
        help="Run the model on an NVIDIA graphics card, or on the processor where there is none.",
        checkable=True,
        group="device",
    ),
    ActionRow(
        action_id="restart_engine",
        menu="E&ngine",
        text="&Restart the engine",
        help="Start the engine again after a failure.",
        starts_group=True,
    ),
    ActionRow(
        action_id="keys",
        menu="&Help",
        text="&Keys",
        help="List every key.",
        keys=("F1", "?"),
    ),
    ActionRow(
        action_id="copy_report",
        menu="&Help",
        text="&Copy report",
        help="Copy versions, settings and the end of the log, without audio, names or labels.",
        starts_group=True,
    ),
    ActionRow(
        action_id="about",
        menu="&Help",
        text="&About",
        help="Versions and licences.",
    ),
)


def answer_rows(emotions: Sequence[Emotion]) -> tuple[ActionRow, ...]:
    """Return one action for each answer that a project allows.

    Args:
        emotions: The project's emotion set, in the order of its buttons.
    """
    rows = [
        ActionRow(
            action_id=f"{ANSWER_PREFIX}{emotion.name}",
            menu="&Label",
            text=emotion.name.capitalize(),
            help=f"Label the selected stretch, else the whole clip, as {emotion.name}.",
            keys=(emotion.key,) if emotion.key else (),
        )
        for emotion in emotions
    ]
    rows += [
        ActionRow(
            action_id=f"{ANSWER_PREFIX}{NONE_OF_THESE}",
            menu="&Label",
            text="None of these",
            help="Answer that no emotion of the set fits.",
            keys=("X",),
        ),
        ActionRow(
            action_id=f"{ANSWER_PREFIX}{UNSURE}",
            menu="&Label",
            text="Unsure",
            help="Answer that you cannot tell; the answer is kept.",
            keys=("U",),
        ),
    ]
    return tuple(rows)
