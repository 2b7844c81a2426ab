#!/usr/bin/env bash
# build.sh ROOT MARCH [SOURCE]: builds llama.cpp once as static libraries under ROOT/build/deps and
# prints the folder on its last line. Every preset links the same libraries; the folder's name holds
# everything that changes them, so a second call is immediate.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/pin.sh"
root=$1 march=$2 source=${3:-}

cpu=""
if [ "$march" = native ]; then
  # "native" means another set of instructions on another machine.
  cpu=$(gcc -march=native -Q --help=target 2>/dev/null | sha256sum | cut -c1-8)
fi
recipe=$(cd "$here" && cat CMakeLists.txt build.sh patches/*.patch | sha256sum | cut -c1-8)
if [ -z "$source" ]; then
  source="$root/build/deps/llama-src-$LLAMA_RELEASE"
  "$here/fetch.sh" "$source" >&2
  name="llama-$LLAMA_RELEASE-$march${cpu:+-$cpu}-$recipe"
else
  name="llama-$(echo "$source" | sha256sum | cut -c1-8)-$march${cpu:+-$cpu}-$recipe"
fi
out="$root/build/deps/$name"

(
  flock 9
  if [ ! -f "$out/complete" ]; then
    echo "llama.cpp: building for -march=$march (2 to 4 minutes on 2 cores, once)" >&2
    cmake -S "$here" -B "$out" -G Ninja -DCMAKE_BUILD_TYPE=Release \
      -DHEARTH_LLAMA_SOURCE="$source" -DHEARTH_MARCH="$march" >"$out.log" 2>&1 ||
      { tail -n 30 "$out.log" >&2; exit 1; }
    ninja -C "$out" llama-common llama ggml >&2
    touch "$out/complete"
  fi
) 9>"$root/build/deps/.lock"
echo "$source"
echo "$out"
