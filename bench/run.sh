#!/usr/bin/env bash
# run.sh: every measurement of this folder. See each file's head for what it shows.
set -euo pipefail
cd "$(dirname "$0")/.."
cmake --build --preset release --target bench_programs
for program in build/release/bin/*_bench; do
  [ -x "$program" ] && "$program"
done
"${PYTHON:-/usr/bin/python3}" bench/footprint.py
bench/decode_beside_llama_bench.sh
