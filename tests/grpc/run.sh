#!/usr/bin/env bash
# gRPC against the real program: tests/grpc/run.sh <hearth> <scripted model> [<example program>]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
arguments=()
for path in "$@"; do arguments+=("$(realpath "$path")"); done
cd "$here/../../examples/grpc"
if [ ! -d node_modules/@grpc ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  npm ci --silent
fi
exec node "$here/grpc_test.mjs" "${arguments[@]}"
