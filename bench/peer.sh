#!/usr/bin/env bash
# peer.sh: builds llama-bench, llama-server and llama-quantize of the pinned llama.cpp under
# build/deps/peer and prints the folder they are in on its last line. They link the libraries that
# are inside Hearth. A second call is immediate; HEARTH_MARCH is that of Hearth (native).
set -euo pipefail
cd "$(dirname "$0")/.."
march=${HEARTH_MARCH:-native}
mkdir -p build/deps
built=$(third_party/llama/build.sh "$PWD" "$march")
source=$(echo "$built" | tail -n 2 | head -n 1)
libraries=$(echo "$built" | tail -n 1)
# The folder's name holds what changes the programs: the libraries and this recipe.
out="build/deps/peer-${libraries##*/llama-}-$(sha256sum <bench/peer/CMakeLists.txt | cut -c1-8)"
(
  flock 9
  if [ ! -f "$out/complete" ]; then
    echo "llama.cpp's programs: building (3 minutes on 2 cores, once)" >&2
    cmake -S bench/peer -B "$out" -G Ninja -DCMAKE_BUILD_TYPE=Release --log-level=WARNING \
      -DHEARTH_LLAMA_SOURCE="$source" -DHEARTH_LLAMA_BUILD="$libraries" \
      -DHEARTH_MARCH="$march" >"$out.log" 2>&1 || { tail -n 30 "$out.log" >&2; exit 1; }
    ninja -C "$out" llama-quantize llama-bench llama-server >&2
    touch "$out/complete"
    ln -sfn "${out##*/}" build/deps/peer
  fi
) 9>build/deps/.peer-lock
echo "$PWD/build/deps/peer/bin"
