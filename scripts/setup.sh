#!/usr/bin/env bash
# Makes the environment in .venv from the lock: `setup.sh demo` for running senrkit, `setup.sh test` with what the tests need.
# Done once; after that it costs a fraction of a second until the lock, pyproject.toml or Python changes.
set -euo pipefail
purpose="${1:?say what for: demo or test}"
cd "$(dirname "${BASH_SOURCE[0]}")/.."
case "$purpose" in
    demo) lock=requirements.lock ;;
    test) lock=requirements-test.lock ;;
    *) echo "setup.sh knows 'demo' and 'test', not '$purpose'." >&2; exit 2 ;;
esac
python=.venv/bin/python
stamp=".venv/set-up-for-$purpose"

# What an environment was made from, by the lock; the folder is part of it, as a copied .venv still points to the old one.
fingerprint() {
    "$python" - "$1" <<'PYTHON'
import hashlib, os, pathlib, sys
content = b"".join(pathlib.Path(name).read_bytes() for name in (sys.argv[1], "pyproject.toml"))
print(hashlib.sha256(content).hexdigest(), sys.version.split()[0], os.getcwd())
PYTHON
}

find_python() {
    local candidate
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "senrkit needs Python 3.11 or later and found none. Install it, or name it: PYTHON=/path/to/python3.11" >&2
    exit 1
}

make_environment() {
    local found
    found="$(find_python)"
    if ! "$found" -c 'import ensurepip, venv' 2>/dev/null; then
        echo "Python cannot make an environment here. Install the package python3-venv as an administrator." >&2
        exit 1
    fi
    echo "Making the environment in .venv with $("$found" --version)"
    "$found" -m venv --clear .venv
}

# uv does the same work about ten times faster, but does not read pip's settings: where pip was told to use another
# index or a proxy, only pip will do. uv itself comes from the lock, by its hash.
install_with_uv() {
    ! "$python" -m pip config list | grep -qE '\.(index-url|no-index|proxy)=' || return 1
    "$python" -m pip install --quiet --no-deps -r <(awk '/^[^ #]/ { ours = /^uv==/ } ours' "$lock") || return 1
    # Compiled now, as pip does it; else the first commands would have to.
    .venv/bin/uv pip install --compile-bytecode --quiet --python "$python" --no-deps -r "$lock" || return 1
}

export PIP_DISABLE_PIP_VERSION_CHECK=1
scripts/system_packages.sh "$purpose"
"$python" -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || make_environment
if [ "$(cat "$stamp" 2>/dev/null)" = "$(fingerprint "$lock")" ]; then
    exit 0
fi
rm -f "$stamp"
echo "Installing the packages of $lock (a minute or two the first time)"
install_with_uv || "$python" -m pip install --quiet --no-deps -r "$lock"
"$python" -m pip install --quiet --no-deps --no-build-isolation --editable .
fingerprint "$lock" >"$stamp"
# The lock for the tests holds every pin of the other: what can run the tests can run the demo.
[ "$purpose" = demo ] || fingerprint requirements.lock >.venv/set-up-for-demo
