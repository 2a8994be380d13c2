"""What a file really is. Its name only decides between kinds of text, which look alike."""

import re
import zipfile
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any, Literal

import puremagic

from knowledge.load.encoding import decode
from knowledge.load.errors import UnreadableDocument
from knowledge.load.front_matter import split_front_matter

Kind = Literal["pdf", "docx", "xlsx", "html", "markdown", "text", "csv", "json"]

MAX_UNPACKED = 200_000_000
MAX_RATIO = 200
MAX_ENTRIES = 20_000
# Small archives of repetitive XML compress well without being a bomb.
RATIO_MATTERS_FROM = 20_000_000

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
_OFFICE: dict[str, Kind] = {"word/": "docx", "xl/": "xlsx"}
_OTHER_OFFICE = {
    "ppt/": "a PowerPoint presentation",
    "content.xml": "an OpenDocument file",
    "META-INF/container.xml": "an EPUB book",
}
_TEXT_KINDS: dict[str, Kind] = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".mdx": "markdown",
    ".mkd": "markdown",
    ".txt": "text",
    ".text": "text",
    ".log": "text",
    ".rst": "text",
    ".csv": "csv",
    ".tsv": "csv",
    ".json": "json",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
}
_HTML_START = re.compile(
    r"\s*(?:<!--(?:(?!-->).)*-->\s*)*<(?:!doctype\s+html|html|head|body)[\s>]", re.I | re.DOTALL
)
_HTML_TAG = re.compile(
    r"</?(?:p|div|h[1-6]|ul|ol|li|table|tr|td|section|main|article|body|a|span)\b[^>]*>", re.I
)
_MARKDOWN_SIGN = re.compile(
    r"^(?:#{1,6} \S|[-*+] \S|\d+\. \S|> \S|```|\|.+\|\s*$)|\[[^\]\n]+\]\([^)\s]+\)|\*\*[^*\n]+\*\*",
    re.MULTILINE,
)
_XML_START = re.compile(r"\s*<\?xml\b(?!.*<html)", re.I | re.DOTALL)


def sniff(data: bytes, name: str) -> Kind:
    """The kind of the content.

    Raises UnreadableDocument: empty, encrypted, corrupt, unsupported, not_text, too_complex.
    """
    if not data.strip(b"\x00 \t\r\n\x0b\x0c"):
        raise UnreadableDocument("empty", "The file is empty.")
    if b"%PDF-" in data[:1024]:
        return "pdf"
    if data.startswith(b"PK\x03\x04") or data.startswith(b"PK\x05\x06"):
        return _zip_kind(data)
    if data.startswith(_OLE):
        raise _old_office(data)
    _refuse_binary(data, name)
    return _text_kind(decode(data), name)


def _zip_kind(data: bytes) -> Kind:
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            entries = archive.infolist()
    # zipfile raises NotImplementedError for versions and methods that it does not know.
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise UnreadableDocument("corrupt", "It begins like an Office file, but it is damaged.") from error
    _refuse_bomb(entries, len(data))
    names = {entry.filename for entry in entries}
    for folder, kind in _OFFICE.items():
        if "[Content_Types].xml" in names and any(entry.startswith(folder) for entry in names):
            return kind
    for mark, what in _OTHER_OFFICE.items():
        if any(entry.startswith(mark) for entry in names):
            raise UnreadableDocument("unsupported", f"It is {what}, which we cannot read yet.")
    raise UnreadableDocument(
        "unsupported", "It is a ZIP archive.", hint="Unpack it and send the files that are inside."
    )


def _refuse_bomb(entries: list[zipfile.ZipInfo], packed: int) -> None:
    if any(entry.flag_bits & 0x1 for entry in entries):
        raise UnreadableDocument("encrypted", "The file is protected with a password.")
    unpacked = sum(entry.file_size for entry in entries)
    too_dense = unpacked > RATIO_MATTERS_FROM and unpacked > MAX_RATIO * packed
    if unpacked > MAX_UNPACKED or len(entries) > MAX_ENTRIES or too_dense:
        raise UnreadableDocument(
            "too_complex",
            f"Unpacked it takes {unpacked // 1_000_000:,} MB; the limit is {MAX_UNPACKED // 1_000_000} MB "
            f"and {MAX_RATIO} times its size.",
        )


def _old_office(data: bytes) -> UnreadableDocument:
    if _ENCRYPTED_PACKAGE in data:
        return UnreadableDocument("encrypted", "The Office file is protected with a password.")
    return UnreadableDocument(
        "unsupported",
        "It is an Office file of the old kind (.doc, .xls, .ppt, .msg).",
        hint="Save it as .docx, .xlsx or PDF and send it again.",
    )


def _refuse_binary(data: bytes, name: str) -> None:
    head = data[:65_536]
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return
    controls = sum(head.count(byte) for byte in [*range(8), *range(14, 27), *range(28, 32)])
    if b"\x00" not in head and controls * 100 <= len(head):
        return
    what = _binary_name(data)
    if what:
        ending = PurePosixPath(name).suffix
        although = f", though its name ends in {ending}" if ending in _TEXT_KINDS else ""
        raise UnreadableDocument("unsupported", f"It is {what}{although}, which we cannot read.")
    raise UnreadableDocument("not_text", "It holds binary data of a kind that we do not know.")


def _binary_name(data: bytes) -> str:
    try:
        untyped: Any = puremagic
        found = untyped.magic_string(data[:65_536])
    except (puremagic.PureError, ValueError, IndexError):
        return ""
    best = found[0] if found and found[0].confidence >= 0.4 else None
    if best is None or not best.mime_type:
        return ""
    kind = str(best.mime_type).partition("/")[0]
    articles = {"image": "an image", "audio": "an audio file", "video": "a video", "font": "a font"}
    return f"{articles.get(kind, 'a file of type')} ({best.mime_type})"


def _text_kind(text: str, name: str) -> Kind:
    named = _TEXT_KINDS.get(PurePosixPath(name.replace("\\", "/")).suffix.lower())
    # A generator's template may carry front matter above HTML or XML.
    has_front_matter, head = _without_front_matter(text[:100_000])
    if _HTML_START.match(head) or (named == "html" and _HTML_TAG.search(head)):
        return "html"
    if _XML_START.match(head):
        raise UnreadableDocument("unsupported", "It is an XML file, which we cannot read yet.")
    if named == "html":
        return "text"
    return named or ("markdown" if has_front_matter else _guess(head))


def _without_front_matter(text: str) -> tuple[bool, str]:
    fields, body = split_front_matter(text)
    return bool(fields), body.lstrip("\ufeff")


def _guess(head: str) -> Kind:
    if len(_HTML_TAG.findall(head)) > 10 and len(_MARKDOWN_SIGN.findall(head)) < 3:
        return "html"
    return "markdown" if len(_MARKDOWN_SIGN.findall(head)) >= 2 else "text"
