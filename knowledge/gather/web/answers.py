"""What a site's answer means for the page that was asked for."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

import httpx

from knowledge.gather.found import Mark
from knowledge.gather.web.robots import NOTHING_SAID, Directives, directives

NO_MORE = (404, 410)
PERMANENT = (301, 308)
SAID = {
    "robots": "The site's robots.txt does not allow it.",
    "noindex": "The page asks not to be kept (noindex).",
    "duplicate": "Another page has the same content.",
    "alias": "It leads to another page of the site.",
    "elsewhere": "It leads away from the site.",
    "content_type": "It is nothing that we can read.",
    "sign_in": "The site wants a sign-in.",
    "http": "The site answered with an error.",
    "gone": "The site says that it is no longer there.",
}
_LONGEST_WAIT_S = 3600.0
_LOADABLE = (
    "",
    "text/html",
    "text/plain",
    "text/markdown",
    "text/csv",
    "text/x-",
    "application/xhtml+xml",
    "application/pdf",
    "application/json",
    "application/rtf",
    "application/vnd.openxmlformats-officedocument",
    "message/rfc822",
)
_HTML = ("", "text/html", "application/xhtml+xml")


def content_type(headers: httpx.Headers) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def loadable(status: int, headers: httpx.Headers) -> bool:
    kind = content_type(headers)
    return status == 200 and any(kind == each or (each and kind.startswith(each)) for each in _LOADABLE)


def is_html(headers: httpx.Headers) -> bool:
    return content_type(headers) in _HTML


def header_directives(headers: httpx.Headers) -> Directives:
    said = NOTHING_SAID
    for value in headers.get_list("x-robots-tag"):
        said |= directives(value)
    return said


def conditions(mark: Mark | None) -> Mapping[str, str]:
    """Headers that let the site answer "not modified" for what we hold."""
    if mark is None or not mark.sha256:
        return {}
    asked: dict[str, str] = {}
    if mark.etag:
        asked["If-None-Match"] = mark.etag
    if mark.last_modified:
        asked["If-Modified-Since"] = format_datetime(mark.last_modified.astimezone(UTC), usegmt=True)
    return asked


def moment(text: str | None) -> datetime | None:
    """Of an HTTP date."""
    try:
        found = parsedate_to_datetime(text) if text else None
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found if found is None or found.tzinfo else found.replace(tzinfo=UTC)


def retry_after_s(headers: httpx.Headers, now: datetime) -> float:
    """Of Retry-After, in seconds or as a date; at most an hour, 30 s where it says nothing."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), _LONGEST_WAIT_S)
    until = moment(text)
    return min(max(0.0, (until - now).total_seconds()), _LONGEST_WAIT_S) if until else 30.0
