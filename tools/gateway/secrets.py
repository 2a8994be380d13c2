"""Credentials in what a tool says: found in JSON as it stands on the wire, and blanked out (SPEC 9, 13).

A result is whole or not at all, so all of it is looked through: first for a few literal marks, which costs
next to nothing, and by pattern only for those marks that are there.
"""

import asyncio
import re
from base64 import urlsafe_b64decode
from collections.abc import Container, Iterable, Iterator, Sequence

REDACTED = b"[REDACTED]"
# In JSON text "\\" may begin an escape, '"' ends the string: no pattern eats either, so it stays JSON.
_Pattern = tuple[tuple[bytes, ...], re.Pattern[bytes], bytes]
_FIELDS = (
    rb"password|passwd|client_secret|secret_access_key|api_key|apikey|access_token|refresh_token"
    rb"|private_key|secret_key|clientSecret|apiKey|accessToken|refreshToken|privateKey"
)
_STRING = rb'"(?:[^"\\]|\\.)*"'

_PATTERNS: Sequence[_Pattern] = (
    ((b"sb_",), re.compile(rb"\bsb_[0-9a-f]{8,}_[\w-]{16,}"), REDACTED),
    ((b"eyJ",), re.compile(rb"\beyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]{8,}"), REDACTED),
    ((b"AKIA", b"ASIA"), re.compile(rb"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"), REDACTED),
    (
        (b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_", b"github_pat_"),
        re.compile(rb"\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,})"),
        REDACTED,
    ),
    ((b"glpat-",), re.compile(rb"\bglpat-[\w-]{20,}"), REDACTED),
    ((b"xox",), re.compile(rb"\bxox[abeprs]-[A-Za-z0-9-]{20,}"), REDACTED),
    ((b"sk-",), re.compile(rb"\bsk-(?=[\w-]{0,40}\d)[\w-]{24,}"), REDACTED),
    ((b"sk_live_", b"rk_live_"), re.compile(rb"\b[sr]k_live_[A-Za-z0-9]{16,}"), REDACTED),
    ((b"AIza",), re.compile(rb"\bAIza[\w-]{35}"), REDACTED),
    ((b"AccountKey=",), re.compile(rb"\bAccountKey=[A-Za-z0-9+/]{40,}={0,2}"), b"AccountKey=" + REDACTED),
    (
        (b"PRIVATE KEY-----",),
        re.compile(
            rb"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----(?:[^\"\\]|\\\\?[nrt/])*?"
            rb"(?:-----END [A-Z ]{0,20}PRIVATE KEY-----|(?=\"|\\(?!\\?[nrt/])))"
        ),
        REDACTED,
    ),
    # scheme://user:password@host, slashes perhaps escaped
    (
        (b"://", b":\\/\\/"),
        re.compile(rb"(:(?:\\?/){2}[^\s/:@\"\\]{0,100}:)[^\s/@\"\\]{1,200}@"),
        rb"\1" + REDACTED + b"@",
    ),
    (
        (b"earer ",),
        # the mark first, then what stands before it: a pattern that begins with letters is found faster
        re.compile(rb"([Bb]earer )(?<=\b.earer )(?=[A-Za-z0-9._~+/-]{0,40}\d)[A-Za-z0-9._~+/-]{20,}=*"),
        rb"\1" + REDACTED,
    ),
    # a field that is called so, its value a string: structured content, and JSON that stands in a text
    (
        (b"pass", b"ecret", b'oken"', b'_key"', b'pikey"', b'Key"'),
        re.compile(rb'("(?:' + _FIELDS + rb')"\s*:\s*)' + _STRING),
        rb'\1"' + REDACTED + b'"',
    ),
    (
        (b"pass", b"ecret", b'oken\\"', b'_key\\"', b'pikey\\"', b'Key\\"'),
        re.compile(rb'(\\"(?:' + _FIELDS + rb')\\"\s*:\s*)\\"(?:[^"\\]|\\\\(?:\\["\\]|[^"\\]))*\\"'),
        rb'\1\\"' + REDACTED + b'\\"',
    ),
)

# How some of them begin in base64, as where a secret was encoded by itself (Kubernetes does): our keys,
# tokens, PEM, those of AWS, GitHub, Slack and of models. A run that begins so is decoded and looked through.
_ENCODED = ("c2Jf", "ZXlK", "LS0tLS1CRUdJTi", "QUtJQ", "Z2h", "eG94", "c2st")
_LONGEST = 65_536
_RUN = re.compile(rb"[A-Za-z0-9+/_-]{16,%d}={0,2}" % _LONGEST)
_DIGIT = re.compile(rb"[A-Za-z0-9+/_-]")
_BASIC_MARK = "asic "
_BASIC = re.compile(rb"([Bb]asic )([A-Za-z0-9+/_-]{8,1000}={0,2})")
# As text: `in` costs a seventh of what it costs with bytes, which are first tried as a number.
_MARKED = tuple((mark.decode(), pattern, instead) for marks, pattern, instead in _PATTERNS for mark in marks)


# What JSON writers may escape though they need not: .NET's does with "+" and quotes, others with "/".
_ESCAPED = re.compile(rb"\\\\|\\u00([2-7][0-9A-Fa-f]|0[9AaDd])|\\/")
_SHORT = {b"\t": b"\\t", b"\n": b"\\n", b"\r": b"\\r", b'"': b'\\"', b"\\": b"\\\\"}


_ESCAPES = ("\\u00", "\\/")
_ALL = frozenset((*(mark for mark, _, _ in _MARKED), *_ENCODED, _BASIC_MARK, *_ESCAPES))
# Some 54 marks are looked for in each: this much holds the event loop for half a millisecond.
_SLICE = 16_384
_OVERLAP = max(map(len, _ALL)) - 1


async def looked_through(text: bytes) -> tuple[bytes, int]:
    """The same for large texts, in turns with all else on the event loop: marks are looked for a slice at a
    time, and only for those that are there a thread goes over the whole. A thread alone would take the
    loop's turns from it, 5 ms each, for as long as it works."""
    there = set[str]()
    for start in range(0, len(text), _SLICE):
        part = text[start : start + _SLICE + _OVERLAP].decode("latin-1")
        there.update([mark for mark in _ALL - there if mark in part])
        await asyncio.sleep(0)
    if not there:
        return text, 0
    if not there.isdisjoint(_ESCAPES):
        # what is written otherwise may hold marks that are not seen as it stands
        return await asyncio.to_thread(without_secrets, text)
    return await asyncio.to_thread(_without, text, there)


def without_secrets(text: bytes) -> tuple[bytes, int]:
    """JSON in, JSON out, and how many were found. Where none was, the same bytes."""
    looked_at = text.decode("latin-1")
    if "\\u00" not in looked_at and "\\/" not in looked_at:
        return _without(text, looked_at)
    unescaped = _ESCAPED.sub(_plain, text)
    plain, found = _without(unescaped, unescaped.decode("latin-1"))
    return (plain, found) if found else (text, 0)


def _plain(match: re.Match[bytes]) -> bytes:
    code, whole = match[1], match[0]
    if code is None:
        return b"/" if whole == b"\\/" else whole
    character = bytes.fromhex(code.decode())
    return _SHORT.get(character, whole if character == b"\x7f" else character)


def _without(text: bytes, looked_at: Container[str]) -> tuple[bytes, int]:
    """`looked_at`: the same, a character for each byte, or the marks that are in it."""
    text, found = _plainly(text, looked_at)
    runs = [run for mark in _ENCODED if mark in looked_at for run in _runs(text, mark.encode())]
    if runs:
        text, times = _blanked(text, sorted(runs, key=lambda run: run.start()))
        found += times
    if _BASIC_MARK in looked_at:
        text, times = _credentials(text)
        found += times
    return text, found


def _plainly(text: bytes, looked_at: Container[str]) -> tuple[bytes, int]:
    found, done = 0, None
    for mark, pattern, instead in _MARKED:
        # once, however many of its marks there are
        if mark in looked_at and pattern is not done:
            text, times = pattern.subn(instead, text)
            found, done = found + times, pattern
    return text, found


def _runs(text: bytes, mark: bytes) -> Iterator[re.Match[bytes]]:
    """Found by hand: over megabytes of an image a pattern takes many times as long."""
    start = text.find(mark)
    while start >= 0:
        begins = start == 0 or not _DIGIT.match(text, start - 1)
        run = _RUN.match(text, start) if begins else None
        if run is not None:
            yield run
        start = text.find(mark, run.end() if run else start + 1)


def _blanked(text: bytes, runs: Iterable[re.Match[bytes]]) -> tuple[bytes, int]:
    """Without those that hold a secret once they are decoded."""
    parts, end, found = list[bytes](), 0, 0
    for run in runs:
        plain = _from_base64(run[0])
        if run.start() >= end and _plainly(plain, plain.decode("latin-1"))[1]:
            parts += [text[end : run.start()], REDACTED]
            end, found = run.end(), found + 1
    return (b"".join([*parts, text[end:]]), found) if found else (text, 0)


def _credentials(text: bytes) -> tuple[bytes, int]:
    found = 0

    def judged(match: re.Match[bytes]) -> bytes:
        nonlocal found
        plain = _from_base64(match[2])
        if b":" not in plain or not plain.decode("latin-1").isprintable():
            return match[0]
        found += 1
        return match[1] + REDACTED

    return _BASIC.sub(judged, text), found


def _from_base64(run: bytes) -> bytes:
    """Of either alphabet, as much of it as is whole."""
    digits = run.rstrip(b"=")
    whole = digits[: len(digits) - (len(digits) % 4 == 1)]
    return urlsafe_b64decode(whole.replace(b"+", b"-").replace(b"/", b"_") + b"=" * (-len(whole) % 4))
