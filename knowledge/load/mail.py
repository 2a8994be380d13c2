"""E-mail (.eml, RFC 5322 and MIME): who, when, what about; the text; what it quotes; names of attachments.

Attached files are listed and not read: whoever wants them searched sends them as documents of their own, with
the access that they should have.
"""

import email
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email import policy
from email.errors import MessageError
from email.message import EmailMessage
from pathlib import PurePosixPath
from typing import cast

from selectolax.lexbor import LexborHTMLParser, LexborNode

from knowledge.document import LoadedDocument
from knowledge.load.errors import UnreadableDocument
from knowledge.load.front_matter import Metadata
from knowledge.load.markup import add_blocks
from knowledge.load.outline import Outline, one_line
from knowledge.load.text import add_text

CONTENT_TYPE = "message/rfc822"
MAX_PARTS = 1000
_SHOWN = ("From", "To", "Cc", "Date")
QUOTED = "Quoted message"
_QUOTE = re.compile(r"^[ \t]*>[> \t]*")
# How programs begin what they quote: all that follows is the older message.
_HISTORY = re.compile(
    r"^(?:-{2,} ?(?:Original Message|Forwarded message|Ursprüngliche Nachricht|Message d'origine) ?-{2,}"
    r"|_{20,}|Begin forwarded message:)\s*$",
    re.IGNORECASE,
)
_ATTRIBUTION = re.compile(
    r"^(?:On|Am|Le|El|Il|Op) .{8,200}(?:wrote|schrieb|écrit|escribió|scritto|schreef) ?.{0,80}:$"
)
_QUOTED_HTML = (
    "blockquote, .gmail_quote, .yahoo_quoted, .moz-cite-prefix, #divRplyFwdMsg, #divRplyFwdMsg ~ *, "
    "#appendonsend ~ *, .OutlookMessageHeader, .OutlookMessageHeader ~ *"
)


def load_mail(data: bytes) -> LoadedDocument:
    """Raises UnreadableDocument: corrupt, encrypted, too_complex."""
    message = _parsed(data)
    outline = Outline()
    subject = one_line(_header(message, "Subject"))
    outline.heading(subject, 1)
    outline.items([f"- {name}: {text}" for name in _SHOWN if (text := _shown(message, name))])
    _add_body(message, outline)
    attachments = [f"- {line}" for line in _attachments(message)]
    if attachments:
        outline.heading("Attachments", 2)
        outline.items(attachments)
    return LoadedDocument(subject, CONTENT_TYPE, outline.blocks(), _metadata(message, subject))


def _parsed(data: bytes) -> EmailMessage:
    message = email.message_from_bytes(data.removeprefix(b"\xef\xbb\xbf"), policy=policy.default)
    parts = sum(1 for _ in message.walk())
    if parts > MAX_PARTS:
        raise UnreadableDocument("too_complex", f"It has {parts:,} parts; the limit is {MAX_PARTS:,}.")
    kind = message.get_content_type()
    if kind in {"multipart/encrypted", "application/pkcs7-mime"} and "signed" not in _header(
        message, "Content-Type"
    ):
        raise UnreadableDocument("encrypted", "The message is encrypted.")
    return message


def _header(message: EmailMessage, name: str) -> str:
    try:
        return str(message.get(name) or "")
    # The parser of header values fails on some broken ones with whatever their structure leads to.
    except (MessageError, ValueError, IndexError, AttributeError, TypeError):
        return ""


def _shown(message: EmailMessage, name: str) -> str:
    if name != "Date":
        return one_line(_header(message, name))
    sent = _sent(message)
    return f"{sent:%Y-%m-%d %H:%M %z}".strip() if sent else one_line(_header(message, name))


def _sent(message: EmailMessage) -> datetime | None:
    try:
        found = cast(object, getattr(message.get("Date"), "datetime", None))
    except (ValueError, IndexError, AttributeError, TypeError):
        return None
    return found if isinstance(found, datetime) else None


def _metadata(message: EmailMessage, subject: str) -> Metadata:
    found: Metadata = {"title": subject, "author": one_line(_header(message, "From"))}
    found["message_id"] = one_line(_header(message, "Message-ID"))
    sent = _sent(message)
    if sent is not None:
        found["last_modified"] = (sent if sent.tzinfo else sent.replace(tzinfo=UTC)).isoformat()
    return {key: value for key, value in found.items() if value}


def _add_body(message: EmailMessage, outline: Outline) -> None:
    """The plain text, as its author wrote it; the HTML where there is none or where only it has a table."""
    plain, html = _body(message, "plain"), _body(message, "html")
    if html and (not plain.strip() or _has_table(html)):
        _add_html(html, outline)
    else:
        _add_plain(plain, outline)


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body(preferencelist=(kind,))
    if part is None:
        return ""
    try:
        return str(part.get_content())
    # An unknown charset or broken encoding: what can be read of it is.
    except (LookupError, ValueError, KeyError, AttributeError):
        payload = cast(object, part.get_payload(decode=True))
        return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""


def _has_table(html: str) -> bool:
    tree = LexborHTMLParser(html)
    return any(len(table.css("tr")) > 1 and table.css_first("th") is not None for table in tree.css("table"))


def _add_plain(text: str, outline: Outline) -> None:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    end = _history_start(lines)
    add_text("\n".join(_marked(lines[:end])), outline)
    quoted = "\n".join(_QUOTE.sub("", line) for line in lines[end:])
    if quoted.strip():
        outline.heading(QUOTED, 2)
        add_text(quoted, outline)


def _history_start(lines: list[str]) -> int:
    """Where the older messages begin: at their mark, or where nothing but quotes follows."""
    for number, line in enumerate(lines):
        if _HISTORY.match(line):
            return number
    end = len(lines)
    while end and (not lines[end - 1].strip() or _QUOTE.match(lines[end - 1])):
        end -= 1
    if not any(_QUOTE.match(line) for line in lines[end:]):
        return len(lines)
    # "On Monday, N. Okafor wrote:" may be wrapped.
    for length in (1, 2):
        start = max(end - length, 0)
        if _ATTRIBUTION.match(" ".join(line.strip() for line in lines[start:end])):
            return start
    return end


def _marked(lines: list[str]) -> Iterator[str]:
    """Quotes between the author's own lines become paragraphs of their own that begin with '>'."""
    quoting = False
    for line in lines:
        quoted = _QUOTE.match(line) is not None
        if quoted != quoting:
            yield ""
        bare = _QUOTE.sub("", line) if quoted else line
        yield f"> {bare}" if quoted and not quoting else bare
        quoting = quoted


def _add_html(html: str, outline: Outline) -> None:
    tree = LexborHTMLParser(html)
    for node in tree.css("script, style, head, title"):
        node.decompose()
    quotes = _taken_out(tree)
    if tree.body is not None:
        add_blocks(tree.body, outline)
    older = [LexborHTMLParser(quote).body for quote in quotes]
    if any(body is not None and body.text(deep=True).strip() for body in older):
        outline.heading(QUOTED, 2)
        for body in older:
            if body is not None:
                add_blocks(body, outline)


def _taken_out(tree: LexborHTMLParser) -> list[str]:
    nodes = tree.css(_QUOTED_HTML)
    inside = {child.mem_id for node in nodes for child in _below(node)}
    outermost = [node for node in nodes if node.mem_id not in inside]
    quotes = [node.html or "" for node in outermost]
    for node in outermost:
        node.decompose()
    return quotes


def _below(node: LexborNode) -> list[LexborNode]:
    return [child for child in node.css(_QUOTED_HTML) if child.mem_id != node.mem_id]


def _attachments(message: EmailMessage) -> Iterator[str]:
    for part in message.iter_attachments():
        name = one_line(part.get_filename() or "")
        kind = part.get_content_type()
        if kind == "message/rfc822":
            inner = cast(list[EmailMessage], part.get_payload())
            name = one_line(_header(inner[0], "Subject")) if inner else name
        payload = cast(object, part.get_payload(decode=True))
        size = f", {max(len(payload) // 1000, 1):,} KB" if isinstance(payload, bytes) and payload else ""
        name = PurePosixPath(name.replace("\\", "/")).name
        yield f"{name or 'without a name'} ({kind}{size})"
