#!/usr/bin/env bash
# Compiles both lock files from pyproject.toml: hashes, no addresses (docs/decisions/0009-locking.md).
set -euo pipefail
cd "$(dirname "$0")/.."
uv=$(ls "${XDG_CACHE_HOME:-$HOME/.cache}"/switchboard/uv-*/bin/uv | tail -n 1)
"$uv" pip compile -q --universal --generate-hashes --no-header --extra build "$@" pyproject.toml -o requirements.lock
"$uv" pip compile -q --universal --generate-hashes --no-header --extra build --extra dev "$@" pyproject.toml \
  -c requirements.lock -o requirements-dev.lock
