#!/usr/bin/env bash
# Installs what the tests need, then runs all checks and tests. What follows the command goes to pytest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/setup.sh test

# All of them always run, so that one look shows everything there is to mend; each failure makes the whole fail.
failed=()
echo "ruff"
.venv/bin/python -m ruff check . || failed+=("ruff")
echo "which folder imports which"
.venv/bin/lint-imports --no-logo --no-cache || failed+=("the contract of imports")
echo "environment.yml, pyproject.toml and the lock"
.venv/bin/python scripts/check_environment.py || failed+=("the check of environment.yml")
.venv/bin/python -m pytest -n 2 "$@" || failed+=("pytest")
if [ "${#failed[@]}" -gt 0 ]; then
    printf 'Failed, see above: %s\n' "${failed[@]}" >&2
    exit 1
fi
