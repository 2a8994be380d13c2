"""Text in Adaptive Cards: what documents, tools and people write is shown as it is (SPEC 13).

A TextBlock, a choice's title and a fact read a part of Markdown, and Teams takes `<at>…</at>` for a mention.
Rich text reads none of it, so foreign text stands there wherever a card allows it; where it does not, it is
escaped. Both read `{{DATE(…)}}` and `{{TIME(…)}}`.
"""

import re
from datetime import UTC, datetime
from typing import Final

from bot.core.plain import shortened, visible

_JOINER: Final = "\u2060"
_TAG: Final = re.compile(r"<(?=[A-Za-z/!?])")
_MACRO: Final = re.compile(r"\{\{(?=\s*(?:DATE|TIME)\b)", re.IGNORECASE)
_MARKS: Final = re.compile(r"[\\`*~!|]|(?<![^\W_])_|_(?![^\W_])|\](?=[(\[:])|&(?=[#\w])")
_LINE_START: Final = re.compile(r"^(\s*)(#{1,6}(?=\s|$)|[-+>=]|\d{1,9}(?=[.)](?:\s|$)))")


def plain(text: str) -> str:
    """For labels, buttons and rich text, which read no Markdown."""
    return _MACRO.sub(f"{{{_JOINER}{{", _TAG.sub(f"<{_JOINER}", visible(text)))


def escaped(text: str, limit: int) -> str:
    """On one line, for where Markdown is read: it reads as it is written."""
    line = _MARKS.sub(lambda found: f"\\{found[0]}", plain(shortened(text, limit)))
    return _LINE_START.sub(_escaped_start, line)


def _escaped_start(found: re.Match[str]) -> str:
    space, mark = found[1], found[2]
    # A number at the start is a list only with its dot or bracket: that is what gets the backslash.
    return f"{space}{mark}\\" if mark.isdecimal() else f"{space}\\{mark}"


def when(moment: datetime) -> str:
    """In the reader's own zone and manner."""
    stamp = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"{{{{DATE({stamp},SHORT)}}}} {{{{TIME({stamp})}}}}"
