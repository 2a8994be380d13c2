"""What a file really is. Its name only decides between kinds of text, which look alike."""

import json
import re
from pathlib import PurePosixPath
from typing import Any, Literal

import puremagic

from knowledge.load.encoding import decode
from knowledge.load.errors import UnreadableDocument
from knowledge.load.front_matter import split_front_matter
from knowledge.load.package import package_kind
from knowledge.load.source_code import language_of

Kind = Literal[
    "pdf", "docx", "xlsx", "pptx", "rtf", "html", "markdown", "text", "csv", "json", "json_lines", "email",
    "code",
]  # fmt: skip

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
_TEXT_KINDS: dict[str, Kind] = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".mdx": "markdown",
    ".mkd": "markdown",
    ".txt": "text",
    ".text": "text",
    ".log": "text",
    ".rst": "text",
    ".adoc": "text",
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".json": "json",
    ".geojson": "json",
    ".ipynb": "json",
    ".jsonl": "json_lines",
    ".ndjson": "json_lines",
    ".eml": "email",
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
_RECORD = re.compile(r"^\{.*\}[ \t\r]*$")
_HEADER = re.compile(r"^(?P<name>[A-Za-z][A-Za-z0-9-]{1,60}):(?:[ \t].*)?$")
_MAIL_HEADERS = frozenset({
    "received", "return-path", "delivered-to", "from", "to", "subject", "date", "message-id", "mime-version",
    "content-type", "dkim-signature", "reply-to", "in-reply-to", "authentication-results", "x-mailer",
})  # fmt: skip
_TRANSPORT = frozenset({"received", "message-id", "mime-version", "return-path"})
_HEAD = 100_000
_XML_START = re.compile(r"\s*<\?xml\b(?!.*<html)", re.I | re.DOTALL)


def sniff(data: bytes, name: str) -> Kind:
    """The kind of the content.

    Raises UnreadableDocument: empty, encrypted, corrupt, unsupported, not_text, too_complex.
    """
    if not data.strip(b"\x00 \t\r\n\x0b\x0c"):
        raise UnreadableDocument("empty", "The file is empty.")
    if _is_pdf(data):
        return "pdf"
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return package_kind(data)
    if data.startswith(_OLE):
        raise _old_office(data)
    if data.startswith(b"{\\rtf"):
        return "rtf"
    _refuse_binary(data, name)
    return _text_kind(decode(data), name)


def _is_pdf(data: bytes) -> bool:
    """Readers allow bytes in front of the mark; not another format's beginning, nor a text about PDF."""
    position = data[:1024].find(b"%PDF-")
    if position <= 0:
        return position == 0
    front = data[:position]
    if front.startswith((b"PK", _OLE, b"{\\rtf")) or _HTML_START.match(front.decode("latin-1")):
        return False
    return b"%%EOF" in data[-2048:] and b" obj" in data and not _binary_name(data)


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
    if _is_mail(text[:20_000], named):
        return "email"
    # A generator's template may carry front matter above HTML or XML.
    has_front_matter, head = _without_front_matter(text[:_HEAD])
    if _HTML_START.match(head) or (named == "html" and _HTML_TAG.search(head)):
        return "html"
    if _XML_START.match(head):
        raise UnreadableDocument("unsupported", "It is an XML file, which we cannot read yet.")
    if named in {"html", "email"}:
        return "text"
    if named is None and language_of(name, head[:200]):
        return "code"
    return named or ("markdown" if has_front_matter else _guess(head))


def _is_mail(head: str, named: Kind | None) -> bool:
    """A block of header lines in front, two of them of mail where the name says so, else more of them."""
    if named not in {None, "email", "text"}:
        return False
    found: set[str] = set()
    for line in head.removeprefix("\ufeff").split("\n"):
        header = _HEADER.match(line.rstrip("\r"))
        if header is not None:
            found.add(header.group("name").lower())
        elif not found or line[:1] not in {" ", "\t"}:
            break
    known = found & _MAIL_HEADERS
    return len(known) >= 2 if named == "email" else {"from", "date"} <= known and bool(known & _TRANSPORT)


def _without_front_matter(text: str) -> tuple[bool, str]:
    fields, body = split_front_matter(text)
    return bool(fields), body.lstrip("\ufeff")


def _guess(head: str) -> Kind:
    if _is_json(head):
        return "json"
    if _is_json_lines(head):
        return "json_lines"
    if len(_HTML_TAG.findall(head)) > 10 and len(_MARKDOWN_SIGN.findall(head)) < 3:
        return "html"
    return "markdown" if len(_MARKDOWN_SIGN.findall(head)) >= 2 else "text"


def _is_json(head: str) -> bool:
    """It begins as an object or a list of them; only the loader reads it to its end."""
    if re.match(r'\s*(?:\{\s*"[^"\n]{0,200}"\s*:|\[\s*\{\s*"[^"\n]{0,200}"\s*:)', head) is None:
        return False
    try:
        json.loads(head)
    except ValueError as error:
        # Cut off where the sample ends is no contradiction.
        return len(head) >= _HEAD and getattr(error, "pos", 0) >= len(head) - 1000
    except RecursionError:
        return True
    return True


def _is_json_lines(head: str) -> bool:
    lines = [line for line in head.split("\n")[:20] if line.strip()]
    return len(lines) >= 2 and all(_RECORD.match(line) and _is_json(line) for line in lines[:-1])
