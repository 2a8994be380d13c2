"""Rich text (RTF) as plain text: its headings and lists cannot be told from other paragraphs."""

import itertools
import re
from typing import Any

from striprtf import striprtf

from knowledge.document import LoadedDocument
from knowledge.load.outline import Outline
from knowledge.load.text import add_text

CONTENT_TYPE = "application/rtf"


_CELLS = re.compile(r"^(?:[^|]*\|){2,}$")
_ITEM = re.compile(r"^\s*(?:[-*•‣◦–]|\d{1,3}[.)])\s+\S")


def load_rtf(data: bytes) -> LoadedDocument:
    """RTF is ASCII by definition; other letters are escaped by code page or as Unicode."""
    untyped: Any = striprtf
    text: str = untyped.rtf_to_text(data.decode("latin-1"), errors="ignore")
    lines = [line for line in text.replace("\r\n", "\n").split("\n") if line.strip()]
    outline = Outline()
    for kind, group in itertools.groupby(lines, key=_kind):
        if kind == "table":
            outline.table([line.split("|")[:-1] for line in group])
        else:
            # A paragraph of RTF is one line.
            add_text(("\n" if kind == "list" else "\n\n").join(group), outline)
    return LoadedDocument("", CONTENT_TYPE, outline.blocks())


def _kind(line: str) -> str:
    if _CELLS.match(line):
        return "table"
    return "list" if _ITEM.match(line) else "text"
