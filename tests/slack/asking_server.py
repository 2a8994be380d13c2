# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# (JSON as Slack has it, and an SDK without types)
"""A tool server over stdio that asks the person: `survey` wants a form filled in, `note` writes into FILE.

`python asking_server.py FILE`. Speaks the session era with the standard library alone.
"""

import json
import sys
from pathlib import Path
from typing import Any

ASKED = "asked-1"
TOOLS: list[dict[str, Any]] = [
    {
        "name": "survey",
        "title": "Staff survey",
        "description": "Asks the person for the answers of the staff survey.",
        "inputSchema": {"type": "object", "properties": {}},
        "annotations": {"readOnlyHint": True},
    },
    {
        "name": "note",
        "description": "Writes a note into a file.",
        "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
    },
]
FORM: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "title": "Your name", "minLength": 2},
        "days": {"type": "integer", "title": "Days at home", "minimum": 0, "maximum": 5},
        "size": {"type": "string", "title": "Shirt size", "enum": ["S", "M", "L"]},
        "lunch": {"type": "boolean", "title": "Joins lunch"},
    },
    "required": ["name", "days"],
}


def told(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0"} | message) + "\n")
    sys.stdout.flush()


def survey() -> str:
    params = {"message": "Please answer three questions.", "requestedSchema": FORM}
    told({"id": ASKED, "method": "elicitation/create", "params": params})
    for line in sys.stdin:
        message = json.loads(line)
        if message.get("id") == ASKED:
            result = message.get("result") or {}
            return f"Survey {result.get('action')}: {json.dumps(result.get('content'), sort_keys=True)}"
        answer(message, Path())
    return "Nobody answered."


def note(given: dict[str, Any], file: Path) -> str:
    with file.open("a") as notes:
        notes.write(given["text"] + "\n")
    return f"Noted: {given['text']}"


def answer(message: dict[str, Any], file: Path) -> None:
    method, params = message.get("method"), message.get("params") or {}
    if "id" not in message or method is None:
        return
    if method == "initialize":
        about = {"serverInfo": {"name": "asking", "version": "1"}, "capabilities": {"tools": {}}}
        told({"id": message["id"], "result": about | {"protocolVersion": "2025-11-25"}})
    elif method == "tools/list":
        told({"id": message["id"], "result": {"tools": TOOLS}})
    elif method == "tools/call":
        text = survey() if params["name"] == "survey" else note(params.get("arguments") or {}, file)
        told({"id": message["id"], "result": {"content": [{"type": "text", "text": text}]}})
    elif method == "ping":
        told({"id": message["id"], "result": {}})
    else:
        told({"id": message["id"], "error": {"code": -32601, "message": "Method not found"}})


if __name__ == "__main__":
    for line in sys.stdin:
        answer(json.loads(line), Path(sys.argv[1]))
