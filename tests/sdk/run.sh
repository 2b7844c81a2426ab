#!/usr/bin/env bash
# The official SDKs against the real program: tests/sdk/run.sh <path of hearth> <sdk>, where <sdk>
# is openai, anthropic or ollama.
# Starts a daemon on a free port with a data directory of its own, and ends it.
set -euo pipefail
hearth=$(realpath "$1")
sdk=$2
token=sdk-test-token
cd "$(dirname "$0")"
exec 9<package-lock.json
flock 9  # several of these may begin at the same time
if [ ! -d node_modules/ollama ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  npm ci --silent
fi
flock -u 9
data=$(mktemp -d)
daemon=
finish() {
  [ -z "$daemon" ] || { kill "$daemon" 2>/dev/null || true; wait "$daemon" 2>/dev/null || true; }
  rm -rf "$data"
}
trap finish EXIT

# Nothing but Node is needed: it is here for the SDK anyway.
free_port() {
  node -e "const s = require('net').createServer().listen(0, '127.0.0.1', () => {
    console.log(s.address().port); s.close(); })"
}
is_ready() {
  node -e "fetch('http://127.0.0.1:$port/health/ready', {headers: {'x-api-key': '$token'}})
    .then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"
}

port=$(free_port)
env -u HOST -u PORT -u MODEL_PATH -u DB_PATH -u KEY_PATH -u PLUGIN_DIR HEARTH_TOKEN=$token \
  "$hearth" serve --data "$data" --port "$port" >"$data/out" 2>&1 &
daemon=$!
for _ in $(seq 300); do
  if is_ready; then ready=1 && break; fi
  kill -0 "$daemon" 2>/dev/null || break
  sleep 0.2
done
if [ -z "${ready:-}" ]; then
  echo "the daemon is not ready:"
  cat "$data/out"
  exit 1
fi
node "${sdk}_test.mjs" "http://127.0.0.1:$port" "$token"
