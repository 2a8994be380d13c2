"""What people and models typed, as it may stand in a question, a letter and a calendar."""

import unicodedata
from typing import Final

_LINES: Final = frozenset("\n\t")
_KEPT: Final = frozenset("‌‍")
"""Joiners, without which Persian and emoji fall apart. Other format characters turn the direction of what
stands beside them, or hide."""
_GONE: Final = frozenset({"Cc", "Cf", "Cs"})
_BREAKS: Final = frozenset({"Zl", "Zp"})


def one_line(text: str) -> str:
    """Whoever writes cannot begin a line of ours, nor turn it around."""
    return " ".join(many_lines(text).split())


def many_lines(text: str) -> str:
    """Line breaks stay."""
    told = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(_shown(c) for c in told).strip()


def _shown(character: str) -> str:
    if character in _LINES or character in _KEPT:
        return character
    category = unicodedata.category(character)
    return "\n" if category in _BREAKS else "" if category in _GONE else character
