#!/usr/bin/env bash
# install_dependencies.sh LIST...: installs what is missing of the Debian packages in the lists.
# Asks the network for nothing when all are there. Needs root or sudo otherwise.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[ $# -gt 0 ] || set -- debian-packages.txt

wanted=()
for list in "$@"; do
  while read -r name; do wanted+=("$name"); done < <(sed 's/#.*//; /^ *$/d' "$here/$list")
done
# Another source of Node.js brings an npm of its own, which Debian's npm would fight with.
command -v npm >/dev/null || wanted+=(npm)

command -v dpkg-query >/dev/null || {
  echo "Hearth builds on Debian 12; this system has no dpkg. Needed: ${wanted[*]}" >&2
  exit 1
}
missing=()
for name in "${wanted[@]}"; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$name")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || {
    echo "Missing packages, and neither root nor sudo to install them: ${missing[*]}" >&2
    exit 1
  }
  as_root=(sudo)
fi
install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive
  apt-get install -y -qq --no-install-recommends "${missing[@]}")
echo "Installing ${#missing[@]} Debian packages: ${missing[*]}"
# The lists on disk often suffice; they are fetched anew only when something is not found in them.
if ! apt-cache show "${missing[@]}" >/dev/null 2>&1 || ! "${install[@]}"; then
  "${as_root[@]}" apt-get update -qq
  "${install[@]}"
fi
