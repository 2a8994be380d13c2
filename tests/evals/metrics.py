"""The figures, as functions of what was asked and what came back. Pure."""

import math
from collections.abc import Iterable, Sequence

from tests.evals.texts import negations, numbers, parts, plain, spoken


def top_documents(chunk_sources: Sequence[str], k: int) -> list[str]:
    """The first k distinct documents in the order of their best chunk."""
    return list(dict.fromkeys(chunk_sources))[:k]


def precision(ranked: Sequence[str], relevant: Iterable[str], k: int) -> float:
    """Relevant among the first k, divided by k."""
    wanted = set(relevant)
    return sum(source in wanted for source in ranked[:k]) / k


def precision_of_possible(ranked: Sequence[str], relevant: Iterable[str], k: int) -> float:
    """The same divided by min(k, relevant): 1.0 can be reached where fewer than k are relevant."""
    wanted = set(relevant)
    return precision(ranked, wanted, k) * k / min(k, len(wanted))


def recall(ranked: Sequence[str], relevant: Iterable[str], k: int) -> float:
    """Share of the relevant that is among the first k."""
    wanted = set(relevant)
    return len(wanted & set(ranked[:k])) / len(wanted)


def found(sources: Iterable[str], needed: Sequence[Sequence[str]]) -> bool:
    """One page of each group is there."""
    there = set(sources)
    return all(there & set(group) for group in needed)


def share_found(sources: Iterable[str], needed: Sequence[Sequence[str]]) -> float:
    there = set(sources)
    return sum(bool(there & set(group)) for group in needed) / len(needed)


def missing_literals(answer: str, literals: Iterable[str]) -> list[str]:
    """Compared without case, with curly quotes and long dashes as plain ones."""
    text = plain(answer)
    return [literal for literal in literals if plain(literal) not in text]


def grounded(sentence: str, quote: str, document: str) -> bool:
    """The quote stands in the document, and says the same: word for word, or at least with the same numbers
    and negations.

    Deliberately not knowledge.verify: the product's own judge must not grade itself.
    """
    if not spoken(quote) or not within(quote, document):
        return False
    same = numbers(sentence) <= numbers(quote) and negations(sentence) == negations(quote)
    return same or word_for_word(sentence, quote)


def word_for_word(sentence: str, quote: str) -> bool:
    """The sentence stands in the quote, or is its first line (a lead-in, the heads of a table) joined to one
    other line of it (an item, a row)."""
    if within(sentence, quote):
        return True
    first, *others = [line for line in quote.splitlines() if spoken(line)]
    return any(all(within(part, first) or within(part, line) for part in parts(sentence)) for line in others)


def within(part: str, whole: str) -> bool:
    """Word for word, whatever the white space, punctuation and markup between."""
    return f" {spoken(part)} " in f" {spoken(whole)} "


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile; NaN for no values."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def mean(values: Iterable[float]) -> float:
    """NaN for no values."""
    numbers_ = list(values)
    return sum(numbers_) / len(numbers_) if numbers_ else math.nan
