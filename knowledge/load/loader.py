"""One door to all loaders."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePosixPath

from knowledge.document import LoadedDocument
from knowledge.load.docx import load_docx
from knowledge.load.errors import UnreadableDocument
from knowledge.load.html import load_html
from knowledge.load.markdown import load_markdown
from knowledge.load.pdf import load_pdf
from knowledge.load.sniff import Kind, decode, sniff
from knowledge.load.text import load_csv, load_json, load_text
from knowledge.load.xlsx import load_xlsx

_FROM_BYTES: dict[Kind, Callable[[bytes], LoadedDocument]] = {
    "pdf": load_pdf,
    "docx": load_docx,
    "xlsx": load_xlsx,
}
_FROM_TEXT: dict[Kind, Callable[[str], LoadedDocument]] = {
    "html": load_html,
    "markdown": load_markdown,
    "text": load_text,
    "csv": load_csv,
    "json": load_json,
}


def load(data: bytes, name: str) -> LoadedDocument:
    """Read a file, whatever its name claims; the title falls back to the name without its ending.

    Raises UnreadableDocument with a `reason`, a sentence, and the next step.
    """
    kind = sniff(data, name)
    try:
        document = _FROM_BYTES[kind](data) if kind in _FROM_BYTES else _FROM_TEXT[kind](decode(data))
    except RecursionError as error:
        raise UnreadableDocument("too_complex", "It is nested too deeply.") from error
    if not document.blocks:
        what = "It has front matter, but no text." if document.metadata else "There is no text in it."
        raise UnreadableDocument("empty", what)
    return document if document.title else replace(document, title=title_from(name))


def title_from(name: str) -> str:
    stem = PurePosixPath(name.replace("\\", "/")).stem
    return " ".join(stem.replace("_", " ").replace("-", " ").split()) or "Untitled"
