"""From bytes to text: UTF-8 first, then what a byte order mark or the bytes themselves suggest."""

import unicodedata

from charset_normalizer import from_bytes

from knowledge.load.errors import UnreadableDocument

_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_SAMPLE = 200_000
# Letters that no text uses: not assigned, for private use, halves of pairs, control characters.
_IMPLAUSIBLE = frozenset({"Cn", "Co", "Cs", "Cc"})
_BROKEN = "\ufffd"


def decode(data: bytes) -> str:
    """Raises UnreadableDocument (not_text) rather than give garbled text."""
    for mark, codec in _MARKS:
        if data.startswith(mark):
            return _plausible(data, codec)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _nearly_utf8(data) or _plausible(data, _codec_of(data))


def _nearly_utf8(data: bytes) -> str:
    """UTF-8 with a few damaged places, which are left out; '' where it is something else."""
    text = data.decode("utf-8", "replace")
    broken = text.count(_BROKEN)
    whole = sum(letter > "\x7f" for letter in text) - broken
    return text.replace(_BROKEN, "") if broken * 10 <= whole else ""


def _codec_of(data: bytes) -> str:
    sample = data[:_SAMPLE]
    high = sum(byte > 0x7F for byte in sample)
    if high * 4 <= len(sample):
        # Mostly ASCII: the accents of a western text; for so few bytes a guess by statistics goes astray.
        return "cp1252"
    best = from_bytes(sample).best()
    if best is None:
        raise UnreadableDocument("not_text", "It is not text in any encoding that we know.")
    return best.encoding


def _plausible(data: bytes, codec: str) -> str:
    try:
        text = data.decode(codec)
    except UnicodeDecodeError as error:
        raise UnreadableDocument(
            "not_text", "It is not valid text: some of its bytes stand for nothing."
        ) from error
    sample = text[:_SAMPLE]
    odd = sum(unicodedata.category(letter) in _IMPLAUSIBLE and letter not in "\t\r\n\f" for letter in sample)
    if odd * 100 > len(sample):
        raise UnreadableDocument("not_text", "It is not text in any encoding that we know.")
    return text
