#!/usr/bin/env bash
# peer.sh [PROGRAM...]: builds programs of the pinned llama.cpp (llama-bench and llama-quantize
# unless told otherwise) under build/deps/peer and prints the folder they are in on its last line.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- llama-bench llama-quantize
. third_party/llama/pin.sh
source="$PWD/build/deps/llama-src-$LLAMA_RELEASE"
third_party/llama/fetch.sh "$source" >&2
cmake -S bench/peer -B build/deps/peer -G Ninja -DCMAKE_BUILD_TYPE=Release --log-level=WARNING \
  -DHEARTH_LLAMA_SOURCE="$source" -DHEARTH_MARCH="${HEARTH_MARCH:-native}" >/dev/null
ninja -C build/deps/peer "$@" >&2
echo "$PWD/build/deps/peer/bin"
