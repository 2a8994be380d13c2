"""Characters that people cannot see or tell apart (Unicode TR36, TR39), made visible or plain."""

import html
import re
import unicodedata
from urllib.parse import unquote

_ZERO_WIDTH_JOINERS = "\u200c\u200d"
# of no category of their own, yet they show nothing
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef\u180b-\u180d\u180f]")
_SPACES = re.compile(r"\s+")
_SENTENCE_ENDS = re.compile(r"(?<![.!?;])[.!?;]\s+(?=\W*[A-Z])|\n\s*[-*•]\s")
_HUMPS = re.compile(r"(?<=[a-z])(?=[A-Z][a-z])")
_BETWEEN_WORDS = re.compile(r"[^\w'’| ]+|_")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_UNSEEN_CATEGORIES = frozenset({"Cf", "Co", "Cn", "Cs", "Zl", "Zp"})
_PLAIN_CONTROLS = frozenset("\n\t\r")
# scripts whose words are written with joiners
_JOINED = frozenset(
    {"ARABIC", "SYRIAC", "MONGOLIAN", "DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "ORIYA", "TAMIL"}
    | {"TELUGU", "KANNADA", "MALAYALAM", "SINHALA", "KHMER", "TIBETAN", "MYANMAR"}
)
# Letters of other alphabets beside the Latin ones for which they are taken (TR39, the frequent ones).
_TWINS = str.maketrans(
    {
        ord(twin): letter
        for letter, twins in {
            "a": "\u0430\u03b1", "b": "\u042c", "c": "\u0441\u03f2", "d": "\u0501",
            "e": "\u0435\u0451\u04bd", "g": "\u0581", "h": "\u04bb\u0570", "i": "\u0456\u03b9",
            "j": "\u0458\u03f3", "k": "\u043a\u03ba", "l": "\u04cf\u217c", "m": "\u043c",
            "n": "\u0578\u03b7", "o": "\u043e\u03bf\u0585", "p": "\u0440\u03c1", "q": "\u051b",
            "s": "\u0455", "t": "\u0442\u03c4", "u": "\u057d\u03c5", "v": "\u0475\u03bd",
            "w": "\u051d\u0461", "x": "\u0445\u03c7", "y": "\u0443\u04af\u03b3", "A": "\u0410\u0391",
            "B": "\u0412\u0392", "C": "\u0421\u03f9", "E": "\u0415\u0395", "H": "\u041d\u0397",
            "I": "\u0406\u0399\u04c0", "J": "\u0408", "K": "\u041a\u039a", "M": "\u041c\u039c",
            "N": "\u039d", "O": "\u041e\u039f", "P": "\u0420\u03a1", "S": "\u0405", "T": "\u0422\u03a4",
            "X": "\u0425\u03a7", "Y": "\u0423\u03a5", "Z": "\u0396",
        }.items()
        for twin in twins
    }
)  # fmt: skip


def is_control(character: str) -> bool:
    return unicodedata.category(character) == "Cc" and character not in _PLAIN_CONTROLS


def unseen(text: str) -> list[tuple[int, str]]:
    """(place, character) of what does not show: zero-width, bidirectional, tags, selectors, unassigned.

    Joiners within emoji and within scripts that write with them are not among them.
    """
    if text.isascii():
        return []
    return [(at, c) for at, c in enumerate(text) if _shows_nothing(c) and not _in_place(text, at)]


def _shows_nothing(character: str) -> bool:
    if character in _BLANK or _SELECTORS.match(character):
        return True
    return unicodedata.category(character) in _UNSEEN_CATEGORIES


def _in_place(text: str, at: int) -> bool:
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    if text[at] == "\ufe0f":
        return bool(before) and (_is_symbol(before) or (before in "0123456789#*" and after == "\u20e3"))
    if text[at] in _ZERO_WIDTH_JOINERS and before and after:
        pictured = (_is_symbol(before) or before == "\ufe0f") and _is_symbol(after)
        return pictured or (_script(before) in _JOINED and _script(after) in _JOINED)
    return False


def _is_symbol(character: str) -> bool:
    return unicodedata.category(character) in {"So", "Sk", "Sm"}


def _script(character: str) -> str:
    """By its name: LATIN, CYRILLIC, GREEK, …; empty for what is no letter."""
    if not character.isalpha():
        return ""
    if character.isascii():
        return "LATIN"
    return unicodedata.name(character, "").split(" ")[0].split("-")[0]


def look_alikes(text: str) -> list[str]:
    """Words that mix Latin letters with those of an alphabet that looks like it, that consist of nothing but
    such letters, or that are written in compatibility forms of Latin letters (𝗮, ａ)."""
    if text.isascii():
        return []
    words = re.findall(r"[^\W\d_]+", text)
    # a word of such letters alone is a disguise, unless the text around it is in that alphabet
    foreign = any(not word.isascii() and not _is_mixed(word) and not _is_twin(word) for word in words)
    return [word for word in words if _is_mixed(word) or (_is_twin(word) and not foreign)]


def _is_mixed(word: str) -> bool:
    if word.isascii():
        return False
    scripts = {_script(character) for character in word} - {""}
    if "LATIN" in scripts and scripts & {"CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU"}:
        return True
    return any(not c.isascii() and _is_latin_form(c) for c in word)


def _is_twin(word: str) -> bool:
    return len(word) > 1 and not word.isascii() and word.translate(_TWINS).isascii()


def _is_latin_form(character: str) -> bool:
    plain = unicodedata.normalize("NFKC", character)
    return len(plain) == 1 and plain.isascii() and plain.isalpha() and character not in "ªº"


def plain(text: str) -> str:
    """As a model takes it: without what does not show, in Latin letters, lower case."""
    if text.isascii():
        return _SPACES.sub(" ", _CONTROLS.sub("", text)).lower()
    seen = "".join(c for c in text if not _shows_nothing(c) and not is_control(c))
    folded = unicodedata.normalize("NFKC", seen).translate(_TWINS).casefold()
    return _SPACES.sub(" ", folded)


def loosened(text: str) -> str:
    """The words alone, as a model reads through what stands between and upon them: punctuation, Markdown,
    `snake_case`, `camelCase`, %20, &#32;, strokes. A `|` stands where a sentence ends."""
    seen = text if text.isascii() else "".join(c for c in text if not _shows_nothing(c))
    parted = _SENTENCE_ENDS.sub(" | ", _HUMPS.sub(" ", html.unescape(unquote(seen))))
    if not parted.isascii():
        parted = "".join(c for c in unicodedata.normalize("NFD", parted) if unicodedata.category(c) != "Mn")
    return _SPACES.sub(" ", _BETWEEN_WORDS.sub(" ", plain(parted)))


def shown(text: str) -> str:
    """With a mark for everything that would not show, or would do something to a terminal."""
    if text.isascii() and text.isprintable():
        return text
    hidden = {at for at, _ in unseen(text)}
    return "".join(_mark(c) if at in hidden or is_control(c) else c for at, c in enumerate(text))


def hidden_message(text: str) -> str:
    """What tag characters spell (U+E0020 to U+E007E are ASCII in disguise)."""
    return "".join(chr(ord(c) - 0xE0000) for c in text if 0xE0020 <= ord(c) <= 0xE007E)


def _mark(character: str) -> str:
    return f"⟨U+{ord(character):04X}⟩"
