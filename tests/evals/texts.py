"""Text made comparable. Pure."""

import re
import unicodedata

_QUOTES = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "‑": "-", "\u00a0": " "})
_MARKER = re.compile(r"\s*\[\d+\](?!\()")
_LINK_TARGET = re.compile(r"\]\([^)\s]*\)")
_LIST_MARK = re.compile(r"^\s*(?:\d{1,3}[.)]|[-*+•])\s+", re.MULTILINE)
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_NEGATION = re.compile(r"\b(?:not|no|never|none|cannot|without|nor|neither)\b|n't\b")


def plain(text: str) -> str:
    """Without case, curly quotes, long dashes and runs of white space."""
    return " ".join(unicodedata.normalize("NFKC", text.translate(_QUOTES)).casefold().split())


def spoken(text: str) -> str:
    """Only the words and numbers, in order: what reading aloud would keep of text with markup."""
    unlinked = _LINK_TARGET.sub("] ", _MARKER.sub("", _LIST_MARK.sub("", text)))
    return " ".join(re.findall(r"\w+", plain(unlinked)))


def parts(sentence: str) -> list[str]:
    """What colons and semicolons join: a lead-in and its item, the heads and cells of a row."""
    return [words for part in re.split(r"[:;](?=\s|$)", sentence) if (words := spoken(part))]


def without_markers(sentence: str) -> str:
    return _MARKER.sub("", sentence).strip()


def marked(sentence: str) -> bool:
    """Carries a [n]."""
    return bool(_MARKER.search(sentence))


def numbers(text: str) -> set[str]:
    found = _NUMBER.findall(plain(_MARKER.sub("", text)))
    return {number.replace(",", "").rstrip(".") for number in found}


def negations(text: str) -> bool:
    """Whether an odd number of negating words stands in it."""
    return len(_NEGATION.findall(plain(text))) % 2 == 1
