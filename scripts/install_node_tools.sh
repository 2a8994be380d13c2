#!/bin/sh
# Installs what the long tests need of Node into ~/.cache/switchboard/node: Node 22 itself, which many
# machines lack, and the MCP Inspector. Safe to run again; does nothing where both are there.
set -eu

folder="${SWITCHBOARD_NODE_TOOLS:-$HOME/.cache/switchboard/node}"
node_version="22"
inspector_version="${SWITCHBOARD_INSPECTOR_VERSION:-latest}"

if [ -x "$folder/node_modules/.bin/mcp-inspector" ] && [ -x "$folder/node_modules/.bin/node" ]; then
    echo "node tools: already in $folder"
    exit 0
fi
command -v npm >/dev/null || {
    echo "npm is missing. On Debian: apt-get install npm; on macOS: brew install node." >&2
    exit 1
}
mkdir -p "$folder"
cd "$folder"
[ -f package.json ] || printf '{"private": true}\n' >package.json
npm install --no-audit --no-fund --loglevel=error "node@$node_version" "@modelcontextprotocol/inspector@$inspector_version"
echo "node tools: $("$folder/node_modules/.bin/node" --version) in $folder"
