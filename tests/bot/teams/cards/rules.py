"""What Teams and the published schema of Adaptive Cards 1.5 say to a card."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import adaptive_cards
import jsonschema_rs

VERBS = {"open", "answer", "privately", "again", "prompt"}
LIMIT = 28 * 1024
MOST_ACTIONS = 6
"""Of a row: what is more, Teams folds away."""
_FIXED = ("#", "rgb(")


@cache
def schema() -> Any:
    path = Path(adaptive_cards.__file__).parent / "schemas" / "schema-1.5.json"
    return jsonschema_rs.validator_for(json.loads(path.read_text()))


def broken(card: dict[str, Any]) -> list[str]:
    """Empty: Teams takes it."""
    return [*_schema(card), *_size(card), *_ids(card), *_actions(card), *_looks(card)]


def parts(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from parts(value)
    elif isinstance(node, list):
        for value in node:
            yield from parts(value)


def of_type(card: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [part for part in parts(card) if part.get("type") == kind]


def markdown(card: dict[str, Any]) -> list[str]:
    """All that is read as Markdown."""
    blocks = [part["text"] for part in of_type(card, "TextBlock")]
    toggles = [part["title"] for part in of_type(card, "Input.Toggle")]
    open_ = [part for part in of_type(card, "Input.ChoiceSet") if part.get("style") == "expanded"]
    return [*blocks, *toggles, *(choice["title"] for part in open_ for choice in part["choices"])]


def texts(card: dict[str, Any]) -> str:
    """All that a person reads, one text a line."""
    names = ("text", "title", "label", "value", "placeholder", "url")
    return "\n".join(
        str(part[name]) for part in parts(card) for name in names if isinstance(part.get(name), str)
    )


def _schema(card: dict[str, Any]) -> list[str]:
    return [f"{error.instance_path}: {error.message[:200]}" for error in schema().iter_errors(card)]


def _size(card: dict[str, Any]) -> list[str]:
    size = len(json.dumps(card).encode())
    return [f"{size} bytes"] if size > LIMIT else []


def _ids(card: dict[str, Any]) -> list[str]:
    ids = [
        part["id"] for part in parts(card) if "id" in part and str(part.get("type", "")).startswith("Input")
    ]
    twice = [f"twice: {each}" for each in {*ids} if ids.count(each) > 1]
    return twice + [f"no id: {part}" for part in parts(card) if _is_input(part) and "id" not in part]


def _is_input(part: dict[str, Any]) -> bool:
    return str(part.get("type", "")).startswith("Input.")


def _actions(card: dict[str, Any]) -> list[str]:
    pressed = of_type(card, "Action.Execute")
    wrong = [f"no verb of ours: {one}" for one in pressed if one.get("verb") not in VERBS]
    rows = [part["actions"] for part in parts(card) if isinstance(part.get("actions"), list)]
    wrong += [f"{len(row)} actions in a row" for row in rows if len(row) > MOST_ACTIONS]
    refresh = card.get("refresh")
    if refresh and not (0 < len(refresh["userIds"]) <= 60 and refresh["action"]["verb"] in VERBS):
        wrong.append("refresh")
    return wrong


def _looks(card: dict[str, Any]) -> list[str]:
    """Dark, light and narrow: no colour of our own, no columns, and every text wraps."""
    wrong = [
        f"does not wrap: {part['text'][:40]}" for part in of_type(card, "TextBlock") if not part.get("wrap")
    ]
    if of_type(card, "ColumnSet") or of_type(card, "Table"):
        wrong.append("columns")
    for part in parts(card):
        colours = [part.get(name) for name in ("color", "backgroundColor", "backgroundImage")]
        wrong += [
            f"a fixed colour: {one}" for one in colours if isinstance(one, str) and one.startswith(_FIXED)
        ]
    return wrong
