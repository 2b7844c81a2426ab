#!/usr/bin/env bash
# model.sh: makes the benchmark's model once, TinyLlama's shape in Q4_K_M with random weights, and
# prints its path on the last line. Needs 3 GB of disk and about two minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
. third_party/llama/pin.sh
model="$PWD/build/bench/tinyllama-shaped-q4_k_m.gguf"
if [ ! -f "$model" ]; then
  peer=$(bench/peer.sh | tail -n 1)
  mkdir -p build/bench
  raw="build/bench/tinyllama-shaped-f16.gguf"
  trap 'rm -f "$raw" "$model.part"' EXIT
  "${PYTHON:-/usr/bin/python3}" bench/make_model.py "$raw" \
    --source "build/deps/llama-src-$LLAMA_RELEASE" >&2
  "$peer/llama-quantize" "$raw" "$model.part" Q4_K_M >build/bench/quantize.log 2>&1
  mv "$model.part" "$model"
fi
echo "$model"
