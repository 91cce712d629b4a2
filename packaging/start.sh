#!/usr/bin/env bash
# Set up the program if need be, then open it:
#
#   bash packaging/start.sh [--setup-only] [PROJECT | AUDIO...]
#
# Where there is no display it analyses the named recordings (or the demo's) instead.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

if [ "${1:-}" = "--setup-only" ]; then
    set_up_environment
    say "Set up: $VENV"
    exit 0
fi
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
say "Doing the same job without one. The results are being written to"
say "  $out"
"$VENV/bin/clser" analyze "$@" --format json,textgrid --out "$out"
