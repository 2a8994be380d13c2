"""JSON and JSON lines: one block of code, written out with one value a line, so that it can be cut."""

import json
from typing import Any, cast

from knowledge.document import LoadedDocument
from knowledge.load.errors import UnreadableDocument
from knowledge.load.outline import MAX_TEXT, Outline

CONTENT_TYPE = "application/json"
LINES_CONTENT_TYPE = "application/jsonl"
# Deeper, the indentation alone would be most of the text.
MAX_DEPTH = 100


def load_json(source: str) -> LoadedDocument:
    """Raises UnreadableDocument: corrupt, too_complex."""
    try:
        value = json.loads(source.lstrip("\ufeff"))
    except RecursionError as error:
        raise _too_deep() from error
    except ValueError as error:
        raise UnreadableDocument("corrupt", "It is named as JSON, but it is not valid JSON.") from error
    return _shown(value, CONTENT_TYPE)


def load_json_lines(source: str) -> LoadedDocument:
    """Each line a record; shown as one JSON array of them."""
    lines = [line for line in source.lstrip("\ufeff").split("\n") if line.strip()]
    try:
        records = [json.loads(line) for line in lines]
    except RecursionError as error:
        raise _too_deep() from error
    except ValueError as error:
        raise UnreadableDocument(
            "corrupt", "It is named as JSON lines, but not every line is valid JSON."
        ) from error
    return _shown(records, LINES_CONTENT_TYPE)


def _shown(value: Any, content_type: str) -> LoadedDocument:
    if _is_deeper(value, MAX_DEPTH):
        raise _too_deep()
    outline = Outline()
    outline.code(_written(value), "json")
    return LoadedDocument("", content_type, outline.blocks())


def _written(value: Any) -> str:
    """Indented by two spaces, in the order of the file; stopped where the indentation makes it too long."""
    parts: list[str] = []
    length = 0
    for part in json.JSONEncoder(indent=2, ensure_ascii=False).iterencode(value):
        length += len(part)
        if length > MAX_TEXT:
            raise UnreadableDocument(
                "too_complex", f"Written out it takes more than {MAX_TEXT:,} characters."
            )
        parts.append(part)
    return "".join(parts)


def _is_deeper(value: Any, depth: int) -> bool:
    level: list[Any] = [value]
    for _ in range(depth):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return False
    return True


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(cast(dict[str, Any], value).values())
    return cast(list[Any], value) if isinstance(value, list) else []


def _too_deep() -> UnreadableDocument:
    return UnreadableDocument("too_complex", f"It is nested more than {MAX_DEPTH} levels deep.")
