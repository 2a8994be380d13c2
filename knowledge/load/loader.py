"""One door to all loaders."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePosixPath

from knowledge.document import Block, LoadedDocument
from knowledge.load.delimited import load_csv
from knowledge.load.encoding import decode
from knowledge.load.errors import UnreadableDocument
from knowledge.load.html import load_html
from knowledge.load.json_file import load_json, load_json_lines
from knowledge.load.markdown import load_markdown
from knowledge.load.package import open_package
from knowledge.load.sniff import Kind, sniff
from knowledge.load.source_code import load_code
from knowledge.load.text import load_text


def _pdf(data: bytes) -> LoadedDocument:
    # lazy: PDFium takes 0.1 s and 10 MB, and who only shows documents never needs it
    from knowledge.load.pdf import load_pdf

    return load_pdf(data)


def _docx(data: bytes) -> LoadedDocument:
    # lazy: python-docx takes 0.2 s and 5 MB
    from knowledge.load.docx import load_docx

    return _from_package(load_docx, data)


def _xlsx(data: bytes) -> LoadedDocument:
    # lazy: openpyxl takes 0.8 s and 24 MB
    from knowledge.load.xlsx import load_xlsx

    return _from_package(load_xlsx, data)


def _pptx(data: bytes) -> LoadedDocument:
    # lazy: python-pptx takes 0.3 s
    from knowledge.load.pptx import load_pptx

    return _from_package(load_pptx, data)


def _from_package(reader: Callable[[bytes], LoadedDocument], data: bytes) -> LoadedDocument:
    package = open_package(data)
    document = reader(package.data)
    return (
        replace(document, metadata={**document.metadata, "macros": "ignored"}) if package.macros else document
    )


def _rtf(data: bytes) -> LoadedDocument:
    # lazy: striprtf is seldom needed
    from knowledge.load.rtf import load_rtf

    return load_rtf(data)


def _email(data: bytes) -> LoadedDocument:
    # lazy: the parser of the standard library takes 0.1 s
    from knowledge.load.mail import load_mail

    return load_mail(data)


_FROM_BYTES: dict[Kind, Callable[[bytes], LoadedDocument]] = {
    "pdf": _pdf,
    "docx": _docx,
    "xlsx": _xlsx,
    "pptx": _pptx,
    "rtf": _rtf,
    "email": _email,
}
_FROM_TEXT: dict[Kind, Callable[[str], LoadedDocument]] = {
    "html": load_html,
    "markdown": load_markdown,
    "text": load_text,
    "csv": load_csv,
    "json": load_json,
    "json_lines": load_json_lines,
}


# Terminals obey some of them, Postgres stores no NUL, and half a surrogate pair has no UTF-8.
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")


def load(data: bytes, name: str) -> LoadedDocument:
    """Read a file, whatever its name claims; the title falls back to the name without its ending.

    Raises UnreadableDocument with a `reason`, a sentence, and the next step.
    """
    try:
        return _titled(_as_text(_read(data, name)), name)
    except RecursionError as error:
        raise UnreadableDocument("too_complex", "It is nested too deeply.") from error


def _read(data: bytes, name: str) -> LoadedDocument:
    kind = sniff(data, name)
    if kind in _FROM_BYTES:
        return _from_bytes(kind, data)
    return load_code(decode(data), name) if kind == "code" else _FROM_TEXT[kind](decode(data))


def _as_text(document: LoadedDocument) -> LoadedDocument:
    """Without control characters, however they were written: raw, `\\0` in YAML or JSON, `&#27;` in HTML."""
    blocks = tuple(_plain_block(block) if _CONTROL.search(block.text) else block for block in document.blocks)
    metadata = {
        _plain(key): [_plain(one) for one in value] if isinstance(value, list) else _plain(value)
        for key, value in document.metadata.items()
    }
    kept = tuple(block for block in blocks if block.text.strip())
    return replace(document, title=_plain(document.title), blocks=kept, metadata=metadata)


def _plain_block(block: Block) -> Block:
    text = _plain(block.text)
    return replace(block, text=text if block.kind == "code" else text.strip())


def _plain(text: str) -> str:
    return _CONTROL.sub("", text)


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
