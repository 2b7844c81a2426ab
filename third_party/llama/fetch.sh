#!/usr/bin/env bash
# fetch.sh DIR: puts the pinned llama.cpp source into DIR, with patches/ applied. Does nothing when
# it is there already.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/pin.sh"
target=$1
stamp="$target/.hearth-pin"
wanted="$LLAMA_PACKAGE_SHA512 $(cat "$here"/patches/*.patch | sha256sum | cut -c1-16)"
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then exit 0; fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo "llama.cpp: fetching $LLAMA_RELEASE ($LLAMA_PACKAGE, 35 MB)"
(cd "$work" && npm pack --silent "$LLAMA_PACKAGE" >package.name)
archive="$work/$(tail -n 1 "$work/package.name")"
echo "$LLAMA_PACKAGE_SHA512  $archive" | sha512sum --check --quiet || {
  echo "llama.cpp: the fetched package is not the pinned one; refusing to build it" >&2
  exit 1
}
tar -xzf "$archive" -C "$work" package/llama/gitRelease.bundle
rm -rf "$target"
mkdir -p "$(dirname "$target")"
git -c advice.detachedHead=false clone --quiet "$work/package/llama/gitRelease.bundle" "$target"
git -C "$target" apply "$here"/patches/*.patch
echo "$wanted" >"$stamp"
