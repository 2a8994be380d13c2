"""Text from documents, made safe and readable for a terminal. Pure.

What a document says is data: an escape sequence in it must not move the cursor, set the window's title or
hide text, and a bidirectional override must not make a line read other than it is (CVE-2021-42574).
"""

import re
from dataclasses import dataclass

_CONTROLS = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)
_LINE_ENDS = re.compile(r"\r\n|\r|\u2028|\u2029|\x85")
_SURROGATES = re.compile(r"[\ud800-\udfff]")
SHOWN_INSTEAD = "\ufffd"

_ADDRESS = r"<?([^\s()<>]*(?:\([^\s()]*\))?[^\s()<>]*)>?"
_LINK = re.compile(rf"!?\[([^\[\]]*)\]\(\s*{_ADDRESS}(?:\s+\"[^\"]*\")?\s*\)")
_STRONG = re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1")
_EMPHASIS = re.compile(
    r"(?<![\w*])\*(?=[^\s*])([^*]+?)(?<=[^\s*])\*(?![\w*])|(?<!\w)_(?=\S)([^_]+?)(?<=\S)_(?!\w)"
)
_CODE = re.compile(r"`([^`]+)`")
_HEADING = re.compile(r"^ {0,3}#{1,6}\s+(.+?)\s*#*\s*$", re.MULTILINE)
_BULLET = re.compile(r"^(\s*)[*+-]\s+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Style:
    """Escape sequences of our own; all empty where the output is no terminal."""

    bold: str = ""
    dim: str = ""
    red: str = ""
    reset: str = ""


PLAIN = Style()
COLOURED = Style(bold="\x1b[1m", dim="\x1b[2m", red="\x1b[31m", reset="\x1b[0m")


def neutral(text: str) -> str:
    """Without terminal control characters; line ends become LF."""
    text = _SURROGATES.sub(SHOWN_INSTEAD, _LINE_ENDS.sub("\n", text))
    return _CONTROLS.sub(SHOWN_INSTEAD, text)


def one_line(text: str) -> str:
    """Neutral, and white space collapsed: for titles, quotes and addresses."""
    return " ".join(neutral(text).split())


def said(*sentences: str) -> str:
    """Sentences on one line; one that ends without a mark gets its full stop."""
    shown = [text if text[-1] in ".!?:…" else f"{text}." for text in map(one_line, sentences) if text]
    return " ".join(shown)


def readable(markdown: str, style: Style = PLAIN) -> str:
    """Markdown as text for reading: marks gone, headings and strong text bold, links with their address."""
    text = neutral(markdown)
    text = _LINK.sub(_link, text)
    text = _HEADING.sub(rf"{_safe(style.bold)}\1{_safe(style.reset)}", text)
    text = _BULLET.sub(r"\1• ", text)
    text = _STRONG.sub(rf"{_safe(style.bold)}\2{_safe(style.reset)}", text)
    text = _EMPHASIS.sub(lambda found: found[1] or found[2], text)
    return _CODE.sub(r"\1", text)


def _link(found: re.Match[str]) -> str:
    label, address = found[1], found[2]
    if not address.startswith(("http://", "https://", "mailto:")) or address == label:
        return label or address
    return f"{label} ({address.removeprefix('mailto:')})" if label else address


def _safe(sequence: str) -> str:
    return sequence.replace("\\", "\\\\")
