"""Rich text (RTF) as plain text: its headings and lists cannot be told from other paragraphs."""

from striprtf.striprtf import rtf_to_text

from knowledge.document import LoadedDocument
from knowledge.load.outline import Outline
from knowledge.load.text import add_text

CONTENT_TYPE = "application/rtf"


def load_rtf(data: bytes) -> LoadedDocument:
    """RTF is ASCII by definition; other letters are escaped by code page or as Unicode."""
    text = rtf_to_text(data.decode("latin-1"), errors="ignore")
    outline = Outline()
    # A paragraph of RTF is one line.
    add_text("\n\n".join(line for line in text.replace("\r\n", "\n").split("\n")), outline)
    return LoadedDocument("", CONTENT_TYPE, outline.blocks())
