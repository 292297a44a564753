#!/usr/bin/env bash
# Installs the Debian packages of system-packages.txt that are missing: `system_packages.sh demo`, or `test` for all.
# Never fails where it may not install: it says in one sentence what is missing, and the caller goes on.
set -euo pipefail
wanted_for="${1:?say what for: demo or test}"
list="$(dirname "${BASH_SOURCE[0]}")/system-packages.txt"

missing=()
for package in $(awk -v purpose="$wanted_for" '$1 == "demo" || ($1 == "test" && purpose == "test") { print $2 }' "$list"); do
    status="$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)"
    [ "$status" = installed ] || missing+=("$package")
done
[ "${#missing[@]}" -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "This is no Debian system, so nothing was installed beside Python. The README says what macOS and Windows need."
    exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    # sudo may ask for a password only where a person can answer
    if command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
        as_root=(sudo)
    else
        echo "Missing: ${missing[*]}. They were not installed, as this needs an administrator: apt-get install ${missing[*]}"
        exit 0
    fi
fi

# The tests start a PostgreSQL of their own and stop it; the package alone would make one that runs for good.
if [[ " ${missing[*]} " == *" postgresql "* ]]; then
    settings=/etc/postgresql-common/createcluster.d
    ${as_root[@]+"${as_root[@]}"} env sh -c \
        "mkdir -p $settings && echo 'create_main_cluster = false' >$settings/senrkit.conf" 2>/dev/null || true
fi

echo "Installing with apt-get: ${missing[*]}"
# `env`, because sudo drops the environment. Without the ${…+…}, bash before 4.4 takes an empty array for an unset one.
apt() { ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@" >/dev/null; }
if ! { apt update && apt install --no-install-recommends "${missing[@]}"; }; then
    echo "apt-get could not install ${missing[*]}; its reason stands above. Going on without."
fi
