#!/usr/bin/env bash
# Runs schemathesis, with all its checks and stateful links, against a daemon of its own: test-api.sh LETHE [ARGUMENTS].
# Needs python3 and PyPI. The daemon has a tiny model, API keys, and the scopes that they need; it is stopped at the end.
set -euo pipefail
lethe=$(realpath "$1")
shift
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
daemon=
stop() {
    if [ -n "$daemon" ]; then kill "$daemon" 2>/dev/null || true; wait "$daemon" 2>/dev/null || true; fi
    rm -rf "$work"
}
trap stop EXIT

venv=${LETHE_API_VENV:-$root/.venv-api}
test -d "$venv" || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check -r "$root/Scripts/api/requirements.txt"

"$lethe" model import "$root/Tests/Fixtures/models/llama" --name tiny --data-dir "$work/store" >/dev/null
LETHE_API_KEY=$("$lethe" keys create --data-dir "$work/store" --name schemathesis --role admin 2>/dev/null)
export LETHE_API_KEY
"$lethe" serve --data-dir "$work/store" --port 0 --threads 1 --rate-limit 100000 --auth-failure-limit 1000000 --log-level warning \
    >"$work/listening" 2>"$work/log" &
daemon=$!
for _ in $(seq 600); do
    test ! -s "$work/listening" || break
    kill -0 "$daemon" || { cat "$work/log" >&2; exit 1; }
    sleep 0.1
done
url=$(sed -n 's/.*"listening":"\([^"]*\)".*/\1/p' "$work/listening")

cd "$work"
status=0
"$venv/bin/schemathesis" --config-file "$root/Scripts/api/schemathesis.toml" run "$url/openapi.json" --checks all \
    --header "Authorization: Bearer $LETHE_API_KEY" --workers 1 --seed "${LETHE_API_SEED:-1}" \
    --max-examples "${LETHE_API_EXAMPLES:-50}" --generation-database none \
    --generation-with-security-parameters false "$@" || status=$?

# The daemon has to be well, and must not have failed at anything.
kill -0 "$daemon"
test "$(curl --silent --output /dev/null --write-out '%{http_code}' "$url/livez")" = 200
if grep -E ' error |request failed' "$work/log"; then status=1; fi
exit "$status"
