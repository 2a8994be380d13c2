"""`python -m tools.servers.generate` writes release.json: what this release approves of its own tools.

Every folder here with a `manifest.toml` is a server; its `server.py` offers `SHAPES`. The file holds
one `RegisteredServer` each, without the address, which the deployment knows.
"""

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.servers.shapes import read_manifest, registered

HERE = Path(__file__).parent
RELEASE = HERE / "release.json"


def servers() -> Iterator[dict[str, Any]]:
    for found in sorted(HERE.glob("*/manifest.toml")):
        manifest = read_manifest(found.parent)
        server = importlib.import_module(f"tools.servers.{found.parent.name}.server")
        rows = [row.model_dump(mode="json") for row in registered(manifest, server.SHAPES)]
        yield {"name": manifest.name, "audience": manifest.audience, "tools": rows}


def rendered() -> str:
    return json.dumps(list(servers()), indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    RELEASE.write_text(rendered())
    sys.stdout.write(f"{RELEASE.name}: {len(json.loads(RELEASE.read_text()))} server(s)\n")


if __name__ == "__main__":
    main()
