#!/usr/bin/env bash
# Installs the Debian packages that the build and the tests need, those that are missing only.
set -euo pipefail

packages=(libdnnl-dev libsqlite3-dev libcurl4-openssl-dev zlib1g-dev pkg-config python3-pip unzip ca-certificates git)

missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$package")
done
if [ "${#missing[@]}" -gt 0 ]; then
    run=()
    if [ "$(id -u)" -ne 0 ]; then run=(sudo); fi
    export DEBIAN_FRONTEND=noninteractive
    echo "installing: ${missing[*]}" >&2
    "${run[@]}" apt-get update -qq
    "${run[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

if ! command -v swift >/dev/null; then
    echo "Swift 6.3 is needed and not on the path" >&2
    exit 1
fi
