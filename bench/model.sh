#!/usr/bin/env bash
# model.sh [TYPE [LAYERS]]: makes a benchmark model once, TinyLlama's shape with random weights, and
# prints its path on the last line. TYPE is one of llama-quantize's, q4_0 unless told otherwise;
# LAYERS are 22 as in TinyLlama, fewer for what would take too long. Needs 3 GB of disk for a while
# and about two minutes. model.sh qwen2.5: a tiny one that counts tokens as Qwen2.5 does.
set -euo pipefail
cd "$(dirname "$0")/.."
. third_party/llama/pin.sh
type=${1:-q4_0} layers=${2:-22}
name="tinyllama-shaped"
[ "$layers" = 22 ] || name="$name-$layers-layers"
model="$PWD/build/bench/$name-$type.gguf"
[ "$type" != qwen2.5 ] || model="$PWD/build/bench/counts-as-qwen2.5.gguf"
source="build/deps/llama-src-$LLAMA_RELEASE"
mkdir -p build/bench
(
  flock 9
  if [ "$type" = qwen2.5 ]; then
    if [ ! -f "$model" ]; then
      trap 'rm -f "$model.part"' EXIT
      "${PYTHON:-/usr/bin/python3}" bench/make_model.py "$model.part" --counts-as "$type" \
        --source "$source" >&2
      mv "$model.part" "$model"
    fi
  elif [ ! -f "$model" ]; then
    peer=$(bench/peer.sh | tail -n 1)
    raw="build/bench/$name-f16.gguf"
    trap 'rm -f "$raw" "$model.part"' EXIT
    "${PYTHON:-/usr/bin/python3}" bench/make_model.py "$raw" --layers "$layers" \
      --source "$source" >&2
    "$peer/llama-quantize" "$raw" "$model.part" "${type^^}" >build/bench/quantize.log 2>&1
    mv "$model.part" "$model"
  fi
) 9>build/bench/.model-lock
echo "$model"
