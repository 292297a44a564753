#!/usr/bin/env bash
# Writes both lock files anew from pyproject.toml (for developers; add --upgrade to move to newer versions).
# requirements.lock: what senrkit runs on. requirements-test.lock: the same pins and what the tests need.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Universal: one file for Linux, macOS and Windows and every Python from 3.11. No address of an index is written.
compile() {
    .venv/bin/uv pip compile pyproject.toml --group setup --universal --python-version 3.11 \
        --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate \
        --custom-compile-command "scripts/lock.sh" --quiet "$@"
}

compile --output-file requirements.lock --extra lab "$@"
compile --output-file requirements-test.lock --extra test --constraint requirements.lock "$@"
