"""Text as a row of comparable words, each of which knows where it stands in the original.

What does not change what is said is dropped: case, white space, quotation marks, most punctuation, Markdown
emphasis, citation markers, hyphens between words, thousands separators. What does is kept: currency and
per cent signs, ranges, signs of comparison. Contractions are written out, number words become digits.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

import snowballstemmer

_ADDRESS = r"""(?P<address>[\w.+-]+@[\w-]+(?:\.[\w-]+)+ | (?:https?://|www\.)[^\s<>()\[\]|"'“”]+) |"""
_PLAIN = r"""
    (?P<name>\d{1,3}[A-Z](?![BMb]\b)[A-Za-z]?\b)
  | (?P<word>[^\W\d_]+(?:['’][^\W\d_]+)*(?:[^\W_]*\d[^\W_]*)?)
  | (?P<number>(?:(?<![\w.)\]"'])\.)?\d+(?:[.,:]\d+)*)(?P<suffix>st\b|nd\b|rd\b|th\b)?
  | (?P<sign>[$€£%&@=<>≤≥] | (?<=\d)\+ | (?<=\d)\s?[-–—−](?=\s?[$€£]?\d) | (?<![\w-])[-–−](?=[$€£]?\.?\d)
      | (?<=\w)\s?/(?=\s?(?:hour|day|week|month|year|night|person|page|mile|km)\b))"""
_TOKEN = re.compile(_PLAIN, re.VERBOSE)
_TOKEN_OR_ADDRESS = re.compile(_ADDRESS + _PLAIN, re.VERBOSE)  # tries every word twice
_ADDRESS_SIGN = re.compile("@|://|www\\.")
_MARKER = re.compile(r"\s*\[\d{1,3}\]")
_DASHES = "-–—−"
_ENDINGS = {"ll": "will", "ve": "have", "re": "are", "m": "am", "d": "would"}
_NEGATED = {"cannot": "can", "can't": "can", "won't": "will", "shan't": "shall"}
_COUNTED = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen twenty
"""
_TENS = {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
_LARGE = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9}
_ORDINALS = {
    "first": "1th",
    "second": "2th",
    "third": "3th",
    "fourth": "4th",
    "fifth": "5th",
    "sixth": "6th",
    "seventh": "7th",
    "eighth": "8th",
    "ninth": "9th",
    "tenth": "10th",
    "eleventh": "11th",
    "twelfth": "12th",
    "twentieth": "20th",
    "thirtieth": "30th",
}
NUMBER_WORDS = (
    {word: str(value) for value, word in enumerate(_COUNTED.split())}
    | {word: str(value) for word, value in (_TENS | _LARGE).items()}
    | _ORDINALS
)

_english = snowballstemmer.stemmer("english")  # pyright: ignore[reportUnknownMemberType]  # untyped vendor


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """The stem of a lower-case word; numbers and signs are their own."""
    return str(_english.stemWord(word)) if word.isalpha() else word  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]  # untyped vendor


@dataclass(frozen=True, slots=True)
class Words:
    """A text's words in normal form, with their spans in the original and their original writing."""

    forms: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]
    written: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.forms)

    @property
    def joined(self) -> str:
        """The forms with one blank before, between and after."""
        return f" {' '.join(self.forms)} " if self.forms else " "


def words_of(text: str) -> Words:
    """The words of a text. Each form without blanks; a contraction gives two words with one span."""
    forms: list[str] = []
    spans: list[tuple[int, int]] = []
    written: list[str] = []
    pattern = _TOKEN_OR_ADDRESS if _ADDRESS_SIGN.search(text) else _TOKEN
    for match in pattern.finditer(text):
        token, span = match.group(), match.span()
        made = (
            _word_forms(token)
            if match.lastgroup in ("word", "name")
            else _other_forms(match.lastgroup, token, match["number"], match["suffix"])
        )
        for form in made:
            forms.append(form)
            spans.append(span)
            written.append(token)
    return Words(tuple(forms), tuple(spans), tuple(written))


def without_markers(sentence: str) -> str:
    """The sentence without its citation markers `[n]`."""
    return _MARKER.sub("", sentence)


def _other_forms(kind: str | None, token: str, number: str | None, suffix: str | None) -> tuple[str, ...]:
    if kind == "address":
        return (token.rstrip(".,;:!?").lower(),)
    if kind == "sign":
        return ("per" if "/" in token else "-" if token.strip() in _DASHES else token,)
    return (_number(number or "") + ("th" if suffix else ""),)


def _number(digits: str) -> str:
    """1,000 and 1000 are one number; 3.50 and 3.5 stay two writings of which one is quoted; .5 is 0.5."""
    if digits.startswith("."):
        return f"0{digits}"
    return digits.replace(",", "") if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", digits) else digits


@lru_cache(maxsize=1 << 16)
def _word_forms(written: str) -> tuple[str, ...]:
    word = written.replace("’", "'").lower()
    if word in _NEGATED:
        return _NEGATED[word], "not"
    if word.endswith("n't"):
        return word[:-3], "not"
    if "'" in word:
        head, _, ending = word.partition("'")
        return (head, _ENDINGS[ending]) if ending in _ENDINGS else (head if ending == "s" else word,)
    return tuple(NUMBER_WORDS.get(word, word).split())
