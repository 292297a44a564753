#!/usr/bin/env bash
# Writes the lock files anew from pyproject.toml (for developers; add --upgrade to move to newer versions).
# requirements.lock: what senrkit runs on. The others have the same pins and more: requirements-worker.lock what a worker
# of a cluster needs, requirements-test.lock what the tests need.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Universal: one file for Linux, macOS and Windows and every Python from 3.11. No address of an index is written.
# Amazon's botocore, by which s3fs reads and writes, takes no dateutil from 3 on; one version for all locks.
compile() {
    .venv/bin/uv pip compile pyproject.toml --group setup --universal --python-version 3.11 \
        --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate \
        --custom-compile-command "scripts/lock.sh" --quiet --constraint <(echo "python-dateutil<3") "$@"
}

compile --output-file requirements.lock --extra lab "$@"
compile --output-file requirements-test.lock --extra test --constraint requirements.lock "$@"
compile --output-file requirements-worker.lock --extra batch --extra s3 --constraint requirements-test.lock "$@"
