#!/usr/bin/env bash
# From nothing to a reconciled demo district. What follows the command goes to `senrkit demo`, such as --students 20000.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/setup.sh demo
exec .venv/bin/senrkit demo "$@"
