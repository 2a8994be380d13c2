"""Pages in other encodings than UTF-8, which only HTTP or the page's head names (HTML, 4.2.5)."""

import codecs
import re

import httpx

_IN_HEADER = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{2,40})")
_IN_HEAD = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE)
_HEAD = 1024
# What browsers do: pages that claim these hold the characters of Windows, too.
_REALLY = {"iso8859-1": "cp1252", "ascii": "cp1252", "iso8859-9": "cp1254", "gb2312": "gb18030"}


def as_utf8(data: bytes, headers: httpx.Headers) -> bytes:
    """The same text in UTF-8, where another encoding is named and fits; else the bytes as they are."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        codec = _named(data, headers)
    else:
        return data
    if codec is None:
        return data
    try:
        return data.decode(codec).encode("utf-8")
    except (UnicodeError, LookupError):  # the latter for codecs such as `zip`, which are none of text
        return data


def _named(data: bytes, headers: httpx.Headers) -> str | None:
    found = _IN_HEADER.search(headers.get("content-type", ""))
    inside = _IN_HEAD.search(data[:_HEAD])
    name = found[1] if found else inside[1].decode("ascii") if inside else ""
    try:
        known = codecs.lookup(name)
    except (LookupError, ValueError):
        return None
    return _REALLY.get(known.name, known.name)
