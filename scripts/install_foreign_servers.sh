#!/usr/bin/env bash
# Installs tool servers that nobody here wrote, each at one version, for the journeys of the long tests: into
# an environment of their own in a cache outside the tree. Does nothing where they are there.
set -euo pipefail
cd "$(dirname "$0")/.."

time_server=2026.10.19
cache=${XDG_CACHE_HOME:-$HOME/.cache}/switchboard
folder=${SWITCHBOARD_FOREIGN_SERVERS:-$cache/foreign-servers}
mark=$folder/.installed
wanted="mcp-server-time $time_server"
if [ "$(cat "$mark" 2>/dev/null || true)" = "$wanted" ]; then exit 0; fi

uv=$(ls -d "$cache"/uv-*/bin/uv 2>/dev/null | tail -n 1)
if [ -z "$uv" ]; then echo "Run 'make setup-dev' first: it brings uv." >&2; exit 1; fi
echo "Installing mcp-server-time $time_server…" >&2
"$uv" venv -q --clear -p "$(readlink -f .venv/bin/python)" "$folder"
"$uv" pip install -q -p "$folder/bin/python" "mcp-server-time==$time_server"
printf '%s\n' "$wanted" >"$mark"
