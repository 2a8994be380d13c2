"""One door to all loaders."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePosixPath

from knowledge.document import LoadedDocument
from knowledge.load.encoding import decode
from knowledge.load.errors import UnreadableDocument
from knowledge.load.html import load_html
from knowledge.load.markdown import load_markdown
from knowledge.load.sniff import Kind, sniff
from knowledge.load.text import load_csv, load_json, load_text


def _pdf(data: bytes) -> LoadedDocument:
    # lazy: pdfplumber takes 0.3 s and 12 MB, and who only shows documents never needs it
    from knowledge.load.pdf import load_pdf

    return load_pdf(data)


def _docx(data: bytes) -> LoadedDocument:
    # lazy: python-docx takes 0.2 s and 5 MB
    from knowledge.load.docx import load_docx

    return load_docx(data)


def _xlsx(data: bytes) -> LoadedDocument:
    # lazy: openpyxl takes 0.8 s and 24 MB
    from knowledge.load.xlsx import load_xlsx

    return load_xlsx(data)


_FROM_BYTES: dict[Kind, Callable[[bytes], LoadedDocument]] = {"pdf": _pdf, "docx": _docx, "xlsx": _xlsx}
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
    try:
        return _titled(_read(data, name), name)
    except RecursionError as error:
        raise UnreadableDocument("too_complex", "It is nested too deeply.") from error


def _read(data: bytes, name: str) -> LoadedDocument:
    kind = sniff(data, name)
    return _from_bytes(kind, data) if kind in _FROM_BYTES else _FROM_TEXT[kind](decode(data))


def _titled(document: LoadedDocument, name: str) -> LoadedDocument:
    if not document.blocks:
        what = "It has front matter, but no text." if document.metadata else "There is no text in it."
        raise UnreadableDocument("empty", what)
    return document if document.title else replace(document, title=title_from(name))


def _from_bytes(kind: Kind, data: bytes) -> LoadedDocument:
    try:
        return _FROM_BYTES[kind](data)
    except (UnreadableDocument, RecursionError, MemoryError):
        raise
    except Exception as error:
        # The parsers raise whatever a broken structure leads to: KeyError, zlib.error, struct.error, …
        what = f"It begins like a {kind.upper()} file, but it is damaged."
        raise UnreadableDocument("corrupt", what) from error


def title_from(name: str) -> str:
    stem = PurePosixPath(name.replace("\\", "/")).stem
    return " ".join(stem.replace("_", " ").replace("-", " ").split()) or "Untitled"
