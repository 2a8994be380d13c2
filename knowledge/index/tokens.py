"""Texts as words of any script, in the form in which they are compared. Pure.

Han, kana, Hangul, Thai and their neighbours are read in pairs of characters; other scripts by words, each
stemmed in the language that its script stands for (Latin: English, whatever it is written in).
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from threading import Lock
from typing import Any, cast

import snowballstemmer

MAX_TERM = 64
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
    "\U00020000-\U0003ffff"
)
# Accents and vowel signs stay with their letters: `\w` has none of them. Indic scripts as whole blocks.
_MARKS = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed"
    "\u0900-\u0963\u0966-\u0dff"
)
# Possessive: what is a letter here is none to anything that may follow.
_LETTERS = rf"(?:[^\W_{_UNSPACED}]++|[{_MARKS}]++)++"
_TOKEN = re.compile(rf"[{_UNSPACED}]+|{_LETTERS}")
# Only from where letters begin: a run of 100,000 of them is then read once, not from each of them.
_BEGINS = rf"(?<![^\W_{_UNSPACED}])(?<![{_MARKS}])"
_COMPOUND = re.compile(rf"{_BEGINS}{_LETTERS}(?:[-_.\u2010\u2011]{_LETTERS})+")
_JOINTS = re.compile(r"[-_.\u2010\u2011]")
_ACCENTS = re.compile("[\u0300-\u036f]")
_STARTS_UNSPACED = re.compile(rf"[{_UNSPACED}]")
# Marks of direction, soft hyphens and joiners are not seen; the break of no width parts words.
_UNSEEN = dict.fromkeys(
    [0xAD, 0x61C, 0x180E, *range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF]
) | {0x200B: " "}
_MOST_PIECES = 5
_STEMMERS = (
    (0x0370, 0x03FF, "greek"),
    (0x0400, 0x052F, "russian"),
    (0x0530, 0x058F, "armenian"),
    (0x0600, 0x06FF, "arabic"),
    (0x0900, 0x097F, "hindi"),
    (0x0B80, 0x0BFF, "tamil"),
)
_ENGLISH = """
a about above after again against all am an and any are as at be because been before being below between both
but by can could d did do does doing don down during each few for from further had has have having he her here
hers herself him himself his how i if in into is it its itself just ll m me more most my myself no nor not now
o of off on once only or other our ours ourselves out over own re s same she should so some such t than that
the their theirs them themselves then there these they this those through to too under until up ve very was we
were what when where which while who whom why will with would you your yours yourself yourselves
"""
STOP_WORDS = frozenset(_ENGLISH.split())


@dataclass(frozen=True, slots=True)
class Tokens:
    """words: in order, without stop words. joined: the compounds of them, written as one word."""

    words: list[str]
    joined: list[str]


def document_tokens(text: str) -> Tokens:
    """Single characters of unspaced scripts are among `joined`, so that one alone can be asked for."""
    text = _seen(text)
    words: list[str] = []
    joined = [*_compounds(text)]
    for token in _kept(text):
        if _STARTS_UNSPACED.match(token):
            words += _pairs(token)
            joined += token if len(token) > 1 else ""
        else:
            words.append(_compared(token))
    return Tokens(words, joined)


def query_tokens(text: str) -> Tokens:
    text = _seen(text)
    words: list[str] = []
    for token in _kept(text):
        words += _pairs(token) if _STARTS_UNSPACED.match(token) else [_compared(token)]
    return Tokens(words, [*_compounds(text)])


def says_something(text: str) -> bool:
    """Whether there is a word in it that is no stop word, found out without reading it all."""
    return any(found.group().casefold() not in STOP_WORDS for found in _TOKEN.finditer(text))


def _seen(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFKC", text.translate(_UNSEEN))


def _kept(text: str) -> Iterator[str]:
    """Tokens but stop words. "IT" among small letters is a name."""
    tokens = _TOKEN.findall(text)
    shouted = len(tokens) > 1 and text.isupper()
    for at, token in enumerate(tokens):
        if token.casefold() not in STOP_WORDS or (not shouted and _is_acronym(tokens, at)):
            yield token


def _is_acronym(tokens: Sequence[str], at: int) -> bool:
    return _capital(tokens[at]) and not any(
        map(_capital, (*tokens[max(0, at - 1) : at], *tokens[at + 1 : at + 2]))
    )


def _capital(token: str) -> bool:
    return len(token) > 1 and token.isupper()


def _pairs(run: str) -> list[str]:
    return [run[at : at + 2] for at in range(max(1, len(run) - 1))]


def _compounds(text: str) -> Iterator[str]:
    """What a hyphen or the like holds together: "e-mail" is "email", "1.2.3" stays apart from "12.3"."""
    for found in _COMPOUND.finditer(text):
        pieces = _JOINTS.split(found.group())
        if len(pieces) <= _MOST_PIECES:
            dotted = "." in found.group() and any(len(piece) > 1 for piece in pieces)
            yield _compared(("." if dotted else "").join(pieces))


@lru_cache(maxsize=50_000)
def _compared(word: str) -> str:
    small = word.casefold()[:MAX_TERM]
    if small.isascii():
        return _stemmed(small, "english")
    if small[0] < "\u0250" or "\u1e00" <= small[0] <= "\u1eff":
        return _stemmed(_ACCENTS.sub("", unicodedata.normalize("NFD", small)), "english")
    language = next((name for start, end, name in _STEMMERS if start <= ord(small[0]) <= end), "")
    return _stemmed(small, language) if language else small


# A stemmer keeps its state between steps of one word.
_stemming = Lock()


def _stemmed(word: str, language: str) -> str:
    with _stemming:
        return _stemmer(language)(word) or word


@cache
def _stemmer(language: str) -> Callable[[str], str]:
    untyped: Any = snowballstemmer
    return cast(Callable[[str], str], untyped.stemmer(language).stemWord)
