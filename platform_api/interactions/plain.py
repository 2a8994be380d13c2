"""Text of servers as text: bounded, on lines, with nothing in it that hides or reorders what one reads."""

import re
from typing import Any, cast

_HIDING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e0fff]"
)
"""Controls, bidirectional overrides (CVE-2021-42574), zero-width and filler characters, tags, halves of
pairs. A variation selector after an emoji goes with them: how it looks is not worth a hiding place."""
CUT = "…"


def plain(text: object, limit: int) -> str:
    """At most `limit` characters; "" for anything but text."""
    if not isinstance(text, str):
        return ""
    shown = _HIDING.sub("", text[: limit * 4].replace("\r\n", "\n").replace("\r", "\n")).strip()
    return shown if len(shown) <= limit else shown[: limit - 1] + CUT


def line(text: object, limit: int) -> str:
    """The same on one line."""
    return " ".join(plain(text, limit).split())


def exact(value: Any) -> Any:
    """JSON to be judged by a person: whole, with what hides shown as its escape instead of being left out."""
    if isinstance(value, str):
        return _HIDING.sub(_escape, value)
    if isinstance(value, dict):
        return _exact_fields(cast(dict[str, Any], value))
    if isinstance(value, list):
        return [exact(entry) for entry in cast(list[Any], value)]
    return value


def _exact_fields(entries: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for name, entry in entries.items():
        plainly: str = exact(name)
        # Two names that look alike once escaped are two fields still: none may hide the other.
        while plainly in shown:
            plainly += CUT
        shown[plainly] = exact(entry)
    return shown


def _escape(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
