#!/usr/bin/env bash
# invariance.sh [REGEX]: which architectures give the same bits however their tokens are computed.
# Makes tiny models with random weights of nearly every architecture that llama.cpp knows, and
# prints one row for each with several kinds of weights and both kinds of KV cache. About 10
# minutes for all.
set -euo pipefail
cd "$(dirname "$0")/.."
cmake --build --preset release --target invariance random_models >&2
models=$(mktemp -d)
trap 'rm -rf "$models"' EXIT
build/release/bin/random_models -o "$models" -a "${1:-.*}" >/dev/null 2>&1
for model in "$models"/*.gguf; do
  # A process each: llama.cpp aborts on some shapes.
  build/release/bin/invariance "$model" 2>/dev/null ||
    echo "| $(basename "$model" .gguf) | llama.cpp aborted | | | | |"
done
