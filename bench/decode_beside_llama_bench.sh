#!/usr/bin/env bash
# decode_beside_llama_bench.sh [ROUNDS]: measures `hearth bench` and llama-bench in turns on one
# TinyLlama-shaped Q4_K_M model, reading 512 tokens and writing 128, and prints medians and ratios.
# Both are built from the same llama.cpp with the same flags. Run it on an idle machine.
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-5}
hearth=${HEARTH:-build/release/bin/hearth}
model=$(bench/model.sh q4_k_m | tail -n 1)
peer=$(bench/peer.sh | tail -n 1)
exec "${PYTHON:-/usr/bin/python3}" bench/beside_llama_bench.py --hearth "$hearth" \
  --llama-bench "$peer/llama-bench" --model "$model" --rounds "$rounds"
