"""Text of documents, tools and people, as every channel may show it (SPEC 13)."""

import re
from typing import Final
from urllib.parse import urlsplit

_INVISIBLE: Final = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def visible(text: str) -> str:
    """Without characters that hide or turn text around."""
    return _INVISIBLE.sub("", text)


def shortened(text: str, limit: int) -> str:
    """On one line and no longer than `limit`, with an ellipsis where something is missing."""
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


def opens(url: str) -> bool:
    """An address that a browser opens."""
    parts = urlsplit(url) if url.isascii() and url.isprintable() else None
    return parts is not None and parts.scheme in ("http", "https") and bool(parts.netloc)
