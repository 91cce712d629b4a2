#!/usr/bin/env bash
# Set up the program with what its checks need, then run every check and test:
#
#   bash packaging/test.sh [PYTEST-ARGUMENTS]
#
# ruff, mypy and import-linter run as tests (tests/contracts), so pytest's last line tells all.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

set_up_environment dev

export QT_QPA_PLATFORM=offscreen
[ -d "$PROJECT/../shared/corpora" ] ||
    say "No speech corpora at $PROJECT/../shared: the tests that need them are skipped."
cd "$PROJECT"
exec "$PYTHON" -m pytest "$@" </dev/null
