#!/usr/bin/env bash
# run.sh SECONDS [NAME]: builds the fuzz targets with libFuzzer and AddressSanitizer and runs each
# for SECONDS. New inputs worth keeping go to fuzz/corpus/<name>; a fault leaves its input under
# build/fuzz/faults and ends with exit status 1.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60} only=${2:-}
cmake --preset fuzz --log-level=WARNING >/dev/null
targets=()
for source in fuzz/*_fuzz.cpp; do
  name=$(basename "$source" _fuzz.cpp)
  [ -z "$only" ] || [ "$only" = "$name" ] || continue
  targets+=("$name")
done
cmake --build --preset fuzz --target "${targets[@]/%/_fuzz}"
mkdir -p build/fuzz/faults
# llama.cpp is built by GCC, this by Clang, and nlohmann's ordered_map has an empty member that only
# GCC gives no room: what one makes the other frees with another size. Nothing is read there.
export ASAN_OPTIONS=new_delete_type_mismatch=0
failed=0
for name in "${targets[@]}"; do
  mkdir -p "fuzz/corpus/$name" "build/fuzz/new/$name"
  printf '%-28s' "$name"
  if "build/fuzz/bin/${name}_fuzz" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
    -artifact_prefix="build/fuzz/faults/$name-" -print_final_stats=1 \
    "build/fuzz/new/$name" "fuzz/corpus/$name" >"build/fuzz/$name.log" 2>&1; then
    runs=$(grep -oP '(?<=number_of_executed_units: )\d+' "build/fuzz/$name.log")
    echo "$runs runs, no fault"
    # Keeps the smallest set of inputs that reaches as much as all of them.
    "build/fuzz/bin/${name}_fuzz" -merge=1 "fuzz/corpus/$name" "build/fuzz/new/$name" \
      >/dev/null 2>&1
  else
    echo "FAULT; see build/fuzz/$name.log and build/fuzz/faults"
    tail -n 5 "build/fuzz/$name.log"
    failed=1
  fi
done
exit $failed
