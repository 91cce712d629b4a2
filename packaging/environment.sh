# Sets up `.venv` beside pyproject.toml. Sourced by start.sh and test.sh, never run by itself.
#
# Written for bash 3.2, the one that macOS ships. Defines `set_up_environment [extra]` and the
# variables PROJECT (the folder of pyproject.toml) and PYTHON (the environment's interpreter).

PROJECT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)"
VENV="$PROJECT/.venv"
PYTHON="$VENV/bin/python"
STAMP="$VENV/.ready"            # what the finished environment was made from
UNFINISHED="$VENV/.unfinished"  # there while pip works: a set-up that is killed leaves it behind

# Interpreter, sound output, what Qt's window and offscreen platforms link to, one font, ffmpeg.
DEBIAN_PACKAGES="python3 python3-venv ca-certificates libportaudio2 ffmpeg espeak-ng fonts-dejavu-core
libgl1 libegl1 libopengl0 libfontconfig1 libfreetype6 libglib2.0-0 libdbus-1-3
libxkbcommon0 libxkbcommon-x11-0 libx11-xcb1 libxcb-cursor0 libxcb-icccm4 libxcb-image0
libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxcb-shape0 libxcb-shm0 libxcb-sync1
libxcb-util1 libxcb-xfixes0 libxcb-xinerama0 libxcb-xkb1"

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "$*"
    exit 1
}

# Install the Debian packages that are missing, or name the command that does.
install_system_packages() {
    command -v dpkg-query >/dev/null || return 0
    local package missing=""
    for package in $DEBIAN_PACKAGES; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
            missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" -ne 0 ]; then
        say "These Debian packages are missing; going on without them. To add them, run:"
        say "  sudo apt-get install --no-install-recommends$missing"
        return 0
    fi
    say "Installing Debian packages:$missing"
    local log
    log="$(mktemp)"
    export DEBIAN_FRONTEND=noninteractive
    if ! { apt-get update && apt-get install -y --no-install-recommends $missing; } \
        </dev/null >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        say "apt-get could not install all of them (its reason is above); going on without them."
    fi
    rm -f "$log"
}

# Print the name of a Python that the pinned wheels exist for.
find_python() {
    local candidate
    for candidate in ${CLSER_PYTHON:-} python3 python3.13 python3.12 python3.11; do
        if command -v "$candidate" >/dev/null && "$candidate" -c '
import sys, ensurepip, venv
sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
            command -v "$candidate"
            return 0
        fi
    done
    return 1
}

# Describe what an environment depends on: change one of these and it is set up again.
describe_environment() {
    "$1" - "$PROJECT" "$2" <<'PYTHON'
import hashlib, pathlib, platform, sys

project, extra = sys.argv[1:]
digest = hashlib.sha256()
for name in "pyproject.toml", "packaging/constraints.txt":
    digest.update(pathlib.Path(project, name).read_bytes())
print(project, platform.python_version(), platform.machine(), digest.hexdigest(), extra)
PYTHON
}

# Whether the environment is finished and was made from these files, with at least this extra.
is_ready() {
    [ -f "$STAMP" ] && [ ! -e "$UNFINISHED" ] && "$PYTHON" -c '' 2>/dev/null || return 1
    local made
    made="$(cat "$STAMP")"
    [ "$made" = "$(describe_environment "$PYTHON" "$1")" ] ||
        [ "$made" = "$(describe_environment "$PYTHON" dev)" ]
}

announce_download() {
    if [ "$(uname -s)" = Linux ]; then
        say "Setting up .venv: some 4.6 GB to download the first time, because torch comes with CUDA,"
        say "and 7 GB on disk. No graphics card is needed. Later starts take no download."
    else
        say "Setting up .venv: about 1 GB to download the first time. Later starts take no download."
    fi
}

# Make `.venv` ready, with the extra `dev` if it is named. Fast if it is ready already.
set_up_environment() {
    local extra="${1:-}" base target quiet=""
    is_ready "$extra" && return 0

    announce_download
    install_system_packages
    if [ -e "$UNFINISHED" ] || { [ -e "$VENV" ] && ! "$PYTHON" -m pip --version >/dev/null 2>&1; }; then
        say "The .venv here is unfinished or broken; making it anew."
        rm -rf "$VENV"
    fi
    if [ ! -e "$VENV" ]; then
        base="$(find_python)" || fail "No Python from 3.11 to 3.13 with its venv module was found;" \
            "install one (Debian: apt-get install python3 python3-venv) and run this again."
        "$base" -m venv "$VENV" || fail "$base could not make $VENV; its reason is above."
    fi

    target="$PROJECT"
    [ -z "$extra" ] || target="$PROJECT[$extra]"
    [ -t 2 ] || quiet=--quiet  # somebody who watches sees what is fetched
    : >"$UNFINISHED"
    "$PYTHON" -m pip install --disable-pip-version-check $quiet \
        --constraint "$PROJECT/packaging/constraints.txt" --editable "$target" </dev/null >&2 || {
        rm -f "$UNFINISHED"  # pip itself undid what it had begun; only a kill leaves halves
        fail "pip could not install what the program needs (its reason is above); check the" \
            "network and the free space on disk, then run this again."
    }
    rm -f "$UNFINISHED"
    "$PYTHON" -c 'import PySide6.QtWidgets, pyqtgraph, grpc, onnxruntime, torch' >&2 ||
        fail "What was installed cannot be loaded (the reason is above). If it names a lib….so, a" \
            "system package of packaging/environment.sh is missing; else remove $VENV and run" \
            "this again."
    describe_environment "$PYTHON" "$extra" >"$STAMP"
}
