#!/usr/bin/env bash
# Set up the program if need be, then open it:
#
#   bash packaging/start.sh [--setup-only] [PROJECT | AUDIO...]
#
# Where there is no display it analyses the named recordings (or the demo's) instead.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

case "${1:-}" in
    -h | --help)
        sed -n '2,/^set /s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
        exit 0
        ;;
    --setup-only)
        set_up_environment
        say "Set up: $VENV"
        exit 0
        ;;
esac
set_up_environment

has_display() {
    [ "$(uname -s)" != Linux ] || [ -n "${DISPLAY:-}" ] || [ -n "${WAYLAND_DISPLAY:-}" ]
}

if has_display; then
    exec "$PYTHON" -m app "$@"
fi

[ $# -gt 0 ] || set -- "$PROJECT/resources/demo"
out="$PROJECT/runs/$(date +%Y-%m-%d-%H%M%S)"
mkdir -p "$out"
say "There is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set), so no window opens."
say "Doing the same job without one. JSON, TextGrid and a picture of the window go to"
say "  $out"
status=0
case "$1" in
    *.clser-project | *.clser-project/) ;;  # a picture is all that can be made of it here
    *)
        "$VENV/bin/clser" analyze "$@" --format json,textgrid --out "$out" || status=$?
        [ -n "$(ls "$out")" ] || exit "$status"  # nothing could be analysed, so nothing be drawn
        ;;
esac
# Qt warns at each window that this platform has no window manager to give sizes to.
QT_LOGGING_RULES="default.warning=false" "$PYTHON" -m app.picture "$@" "$out/window.png" || status=$?
exit "$status"
