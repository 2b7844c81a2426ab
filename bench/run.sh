#!/usr/bin/env bash
# run.sh [NAME...]: runs the programs of this folder that take under ten minutes, or those named,
# and prints how long each took. Their tables go to build/bench/results and, by bench/report.py,
# into docs/performance.md. Run it on an idle machine. The exit status is 1 if a target was missed.
set -uo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-/usr/bin/python3}
hearth=${HEARTH:-build/release/bin/hearth}

quick=(footprint http_speed quiet memory freeze hang_up overload streams second_turn neighbour
  two_engines editing json_schema snapshots store turns dialogue swap providers grpc_stream
  decode_beside_llama_bench)
long=(sessions growth)
listed=" ${quick[*]} ${long[*]} "

fail() { echo "run.sh: $*" >&2; exit 2; }

# The file of a program, or nothing.
program() { ls "bench/$1.py" "bench/$1.sh" 2>/dev/null; }

# What is measured beside, and the models; each is made once.
prepare() {
  bench/peer.sh >/dev/null || fail "cannot build llama-server"
  bench/model.sh q4_0 >/dev/null || fail "cannot make the model"
  case " $* " in
    *" sessions "*) bench/model.sh q4_0 4 >/dev/null || fail "cannot make the small model" ;;
  esac
  case " $* " in
    *" dialogue "*) bench/model.sh qwen2.5 >/dev/null || fail "cannot make the model that counts" ;;
  esac
  cmake --build --preset release --target bench_programs make_scripted_model >/dev/null ||
    fail "cannot build the programs in C++"
}

[ -x "$hearth" ] || fail "$hearth is not there: make build"
for name in "$@"; do
  [[ $listed == *" $name "* ]] || fail "no program \"$name\"; there are:$listed"
  [ -n "$(program "$name")" ] || fail "bench/$name.py is not here"
done
if [ $# -eq 0 ]; then
  for name in "${quick[@]}"; do
    if [ -n "$(program "$name")" ]; then set -- "$@" "$name"; fi
  done
  echo "Left out, because they take longer: ${long[*]}"
fi
prepare "$@"

missed=()
for name in "$@"; do
  began=$SECONDS
  file=$(program "$name")
  case $file in *.py) run=("$python" "$file" --hearth "$hearth") ;; *) run=("$file") ;; esac
  HEARTH=$hearth "${run[@]}" 2>"build/bench/$name.log" || missed+=("$name")
  echo "== $name: $((SECONDS - began)) s"
done
[ ! -f build/bench/results/neighbour.json ] || "$python" bench/plot.py >/dev/null
"$python" bench/report.py
[ ${#missed[@]} -eq 0 ] && exit 0
echo "Targets missed, or failed (see build/bench/NAME.log): ${missed[*]}"
exit 1
