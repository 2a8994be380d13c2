"""The text of a document as the platform shows it."""

from selectolax.lexbor import LexborHTMLParser
from switchboard_sdk import Content


def readable_text(content: Content) -> str:
    """The visible text of the source viewer's page; anything else as it is."""
    text = content.data.decode("utf-8", "replace")
    if not content.content_type.startswith("text/html"):
        return text
    body = LexborHTMLParser(text).body
    return body.text(separator=" ") if body else ""
