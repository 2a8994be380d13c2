"""Arguments of a call as JSON that reads as what it is (SPEC 5, 13)."""

import json
from collections.abc import Mapping
from typing import Any

_LATIN = "\u017f"
"""The last letter of Latin Extended-A: no look-alikes of ASCII up to here."""


def exact(arguments: Mapping[str, Any]) -> str:
    """Indented. What hides, turns text around or may pass for another letter stands as its escape."""
    text = json.dumps(arguments, indent=2, ensure_ascii=False)
    return "".join(char if _is_plain(char) else _escape(char) for char in text)


def _is_plain(char: str) -> bool:
    return char == "\n" or (char.isprintable() and (char.isascii() or (char <= _LATIN and char.isalpha())))


def _escape(char: str) -> str:
    return json.dumps(char)[1:-1] if ord(char) > 127 or ord(char) < 32 else f"\\u{ord(char):04x}"
