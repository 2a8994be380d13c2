"""What forbids a sentence although a source says nearly the same: what it adds by the way, and what it says
about the saying.

Verification compares what two texts state. A model's text is also looked at, by its readers, for signs,
parentheses, doubts and look-alike letters, which state nothing and change everything.
"""

import re
import unicodedata
from collections.abc import Iterator

from knowledge.verify import Verdict, words_of
from platform_api.chat.turning import meaning_in, turns

ADDED, WRITING, SIGN, ABOUT, MORE, QUESTION = "added", "writing", "sign", "about", "more", "question"
LIMIT, TURNED = "limit", "turned"
_CLAUSE = re.compile(
    r"""[,;:]\s+ | \s*[()\[\]{}]\s* | \s+[-–—]+\s+ | \s*[–—]\s*(?=[^\W\d]) | …\s*
      | ,?\s+(?:and|plus|but|or|nor|as\ well\ as|along\ with|including|also|so|who|which|whose|where|unless
        |except|if|when|while|because|although|though)\s+""",
    re.IGNORECASE | re.VERBOSE,
)
_TYPOGRAPHY = frozenset("“”‘’«»„‚‹›–—−‑‐…·•×\u00a0\u2009\u202f")
_SIGNED = re.compile(r"(?:(?<=^)|(?<=[^\W\d]\s)|(?<=[,;:(]\s)|(?<=\())[-−+±](?=[$€£]?\.?\d)")
_ARITHMETIC = "+^=÷±×√~<>"
_MORE = re.compile(
    r"\b(?:and|or)\s+(?:more|less|fewer|longer|shorter|later|earlier|above|below|over|under|so|not|none|never)\b",
    re.IGNORECASE,
)
_ABOUT = frozenset(
    """
    untrue false falsely myth incorrect incorrectly wrong wrongly misconception rumour rumor hoax
    nonsense fake allegedly supposedly reportedly purportedly apparently joke lie lies lying
    opposite contrary reverse doubt doubtful doubtfully dubious questionable unlikely hardly barely
    scarcely rarely seldom formerly previously historically once longer anymore obsolete outdated
    abolished repealed revoked rescinded cancelled suspended discontinued ceased pretend ironically
    theoretically hypothetically otherwise therefore thus hence consequently instead likewise
    conversely vice versa unlike ignore disregard
    """.split()  # noqa: SIM905  a list of words to read
)
"""Words that turn, date or doubt a statement, or tie it to another; a source that means them says them."""
_NARROWING = frozenset(["only", "solely", "exclusively", "merely", "just", "even", "always", "never"])
_CONDITIONS = tuple(
    (frozenset(sets.split()), frozenset(keeps.split()))
    for sets, keeps in (
        ("if when whenever provided", "if when whenever once provided where during unless for"),
        ("unless except excluding", "unless except excluding but if"),
        ("only solely exclusively", "only solely exclusively"),
        ("between", "between from"),
        ("until till", "until till by before to"),
        ("within", "within in"),
        ("during", "during in while when on"),
        ("without", "without no not unless"),
    )
)
"""Words that set a condition, and those that keep it: a source that sets one is not quoted without it."""
_NEGATIONS = frozenset(["not", "no", "never", "nobody", "none", "nothing", "neither", "nor", "without"])
_HALF_A_WORD = 0.5


def objection(text: str, verdict: Verdict, *, judged: bool = False) -> str:
    """What forbids a sentence that its quote supports; "" for nothing.

    judged: by a model that has read both; what the sentence leaves out is then settled.
    """
    assert verdict.source is not None, "what is supported has its source"
    if text.rstrip("\"'”’»)*_ ").endswith("?") and verdict.confidence < 1.0:
        return QUESTION
    around = f"{verdict.quote} {verdict.source.title} {verdict.source.section}"
    if not _written(text) <= _written(around):
        return WRITING
    if _has_other_signs(text, verdict.quote):
        return SIGN
    if verdict.confidence == 1.0:
        return ""  # word for word: what words do not show was looked at above
    said, quoted = _words(text), _words(verdict.quote)
    if (said & _ABOUT) - quoted:
        return ABOUT
    if _phrases(text) - _phrases(verdict.quote):
        return MORE
    if (said & _NARROWING) - quoted or not (judged or _keeps_limits(text, verdict, said, quoted)):
        return LIMIT
    headings = f"{verdict.source.title} {verdict.source.section}"
    if not judged and verdict.layer != "verbatim" and turns(text, verdict.quote, headings):
        return TURNED
    return ADDED if _adds(text, verdict.quote) else ""


def _keeps_limits(text: str, verdict: Verdict, said: set[str], quoted: set[str]) -> bool:
    """Without its condition a statement is another one; a denial reaches farther with each word less."""
    if verdict.layer == "verbatim":
        return True
    if any(quoted & sets and not said & keeps for sets, keeps in _CONDITIONS):
        return False
    if not said & _NEGATIONS:
        return True
    theirs, ours = meaning_in(verdict.quote).content, meaning_in(text).content
    return sum(weight for term, weight in theirs.items() if term not in ours) < _HALF_A_WORD


def _written(text: str) -> frozenset[str]:
    """Its letters and signs that nobody writes by the way."""
    composed = unicodedata.normalize("NFC", text)
    return frozenset(one for one in composed if not one.isascii() and one not in _TYPOGRAPHY)


def _has_other_signs(text: str, quote: str) -> bool:
    """A minus before a number, or arithmetic, that the quote has not."""
    signed = len(_SIGNED.findall(text)) > len(_SIGNED.findall(quote))
    return signed or any(text.count(sign) > quote.count(sign) for sign in _ARITHMETIC)


def _words(text: str) -> set[str]:
    return set(words_of(text).forms)


def _phrases(text: str) -> set[str]:
    return {" ".join(found.lower().split()) for found in _MORE.findall(text)}


def _adds(text: str, quote: str) -> bool:
    """Whether a clause of it speaks of nothing that the quote speaks of."""
    quoted = meaning_in(quote).terms
    return any(clause and quoted.keys().isdisjoint(clause) for clause in _clauses(text))


def _clauses(text: str) -> Iterator[dict[str, float]]:
    return (meaning_in(clause).content for clause in _CLAUSE.split(text) if clause)
