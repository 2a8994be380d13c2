"""Payloads as Slack sends them, by name."""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "payloads"
BOT = "U0BOT9999"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))


def payload(name: str) -> dict[str, Any]:
    return json.loads((FOLDER / f"{name}.json").read_text())
