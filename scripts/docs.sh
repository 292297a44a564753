#!/usr/bin/env bash
# Builds the documentation into docs/_build; a warning is an error. Without a network: nothing is fetched.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ -x .venv/bin/sphinx-build ] || scripts/setup.sh test
.venv/bin/python -m sphinx --fail-on-warning --keep-going --quiet --fresh-env docs docs/_build "$@"
echo "The site is in docs/_build: open docs/_build/index.html."
