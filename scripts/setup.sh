#!/usr/bin/env bash
# Brings a bare machine to the point where the project runs: `scripts/setup.sh run|dev`.
# Everything goes into ./.venv and a cache outside the tree; a second run does nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

kind=${1:-run}
case "$kind" in
  run) lock=requirements.lock ;;
  dev) lock=requirements-dev.lock ;;
  *) echo "usage: scripts/setup.sh run|dev" >&2; exit 2 ;;
esac
cache=${XDG_CACHE_HOME:-$HOME/.cache}/switchboard
# One version for everyone, so that a lock means the same on each machine.
uv_version=0.13.9

say() { printf '%s\n' "$*" >&2; }

find_python() {
  for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
    if command -v "$candidate" >/dev/null 2>&1 &&
      "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  say "Python 3.11, 3.12 or 3.13 is needed and was not found."
  say "Install it ('apt-get install python3 python3-venv' on Debian 12, 'brew install python@3.12' on macOS), then try again."
  exit 1
}

make_venv() {
  local python=$1 folder=$2 log
  log=$(mktemp)
  if "$python" -m venv "$folder" >"$log" 2>&1; then rm -f "$log"; return; fi
  rm -rf "$folder"
  if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    say "Installing Debian's python3-venv…"
    { apt-get update -qq && apt-get install -y -qq python3-venv; } >"$log" 2>&1 && "$python" -m venv "$folder" && return
  fi
  cat "$log" >&2
  say "Python's venv module does not work here. On Debian: 'apt-get install python3-venv', then try again."
  exit 1
}

mark=.venv/.installed-$kind
want=$(cat "$lock" pyproject.toml | sha256sum 2>/dev/null || cat "$lock" pyproject.toml | shasum -a 256)
if [ "$(cat "$mark" 2>/dev/null || true)" = "$want" ]; then exit 0; fi

python=$(find_python)
if [ ! -x "$cache/uv-$uv_version/bin/uv" ]; then
  say "Fetching uv $uv_version…"
  mkdir -p "$cache"
  make_venv "$python" "$cache/uv-$uv_version"
  "$cache/uv-$uv_version/bin/pip" install -q "uv==$uv_version"
fi
uv=$cache/uv-$uv_version/bin/uv
[ -x .venv/bin/python ] || "$uv" venv -q -p "$python" .venv
say "Installing packages from $lock…"
# Compiled now: where PYTHONDONTWRITEBYTECODE is set, each start would compile everything again (4 s).
"$uv" pip install -q -p .venv/bin/python --compile-bytecode --require-hashes -r "$lock"
"$uv" pip install -q -p .venv/bin/python --no-deps --no-build-isolation -e .
printf '%s\n' "$want" >"$mark"
