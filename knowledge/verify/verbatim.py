"""Whether a sentence is the source's own words, and where: exact after normalisation.

A part of a sentence counts only where what is left out can not turn it around.
"""

from collections.abc import Iterator

from knowledge.sentences import Span
from knowledge.verify.lexicon import BOUNDS, FUNCTION, LIMITS
from knowledge.verify.meaning import is_number, meaning_of
from knowledge.verify.prepared import Group, Prepared
from knowledge.verify.words import Words

_SIGNS = frozenset("$€£%&@=<>≤≥-+")
_TURNING = frozenset(["false", "incorrect", "wrong", "untrue", "myth", "former", "formerly", "previously"])
_FEWEST_WORDS = 4
_PART = 0.95


def find_verbatim(sentence: Words, source: Prepared, asks: bool) -> tuple[float, Span] | None:
    """(confidence, span in the source) of the best place; None where these are not the source's words."""
    places = [found for at in _occurrences(sentence, source) if (found := _judge(source, sentence, at, asks))]
    whole = next((found for found in places if found[0] == 1.0), None)
    return whole or _grouped(sentence, source) or (places[0] if places else None)


def _occurrences(sentence: Words, source: Prepared) -> Iterator[int]:
    """The index of the first word of each place."""
    at = source.joined.find(sentence.joined)
    while at >= 0:
        yield source.offsets.index(at + 1)
        at = source.joined.find(sentence.joined, at + 1)


def _judge(source: Prepared, sentence: Words, first: int, asks: bool) -> tuple[float, Span] | None:
    last = first + len(sentence)
    touched = [at for at, (start, end) in enumerate(source.ranges) if start < last and end > first]
    if not touched:
        return None
    units = [source.units[at] for at in touched]
    if any(unit.question for unit in units) and not asks:
        return None
    begin, end = source.ranges[touched[0]][0], source.ranges[touched[-1]][1]
    if any(_turned_by_lead(source, at, first) for at in touched):
        return None
    if begin >= first and end <= last:
        return 1.0, (units[0].span[0], units[-1].span[1])
    if _is_fragment(sentence) or not _may_stand_alone(source.words, (begin, first), (last, end)):
        return None
    start = units[0].span[0] if begin >= first else source.words.spans[first][0]
    stop = units[-1].span[1] if end <= last else source.words.spans[last - 1][1]
    return _PART, (start, stop)


def _turned_by_lead(source: Prepared, at: int, first: int) -> bool:
    """ "You must never:" above an item: the item alone says the opposite."""
    lead = source.units[at].lead
    if lead is None:
        return False
    return source.word_range(lead)[0] < first and not LIMITS.isdisjoint(source.meaning(lead).concepts)


def _is_fragment(sentence: Words) -> bool:
    content = [form for form in sentence.forms if form not in FUNCTION]
    return len(sentence) < _FEWEST_WORDS or len(content) < 2


def _may_stand_alone(words: Words, before: tuple[int, int], after: tuple[int, int]) -> bool:
    left_out = {*meaning_of(words, *before).concepts, *meaning_of(words, *after).concepts}
    if not (left_out.isdisjoint(LIMITS) and left_out.isdisjoint(_TURNING)):
        return False
    if _cuts_name(words, before[1], *before) or _cuts_name(words, after[0], *after):
        return False
    return not (_cuts_number_before(words, *before) or _cuts_number_after(words, *after))


def _cuts_name(words: Words, edge: int, begin: int, end: int) -> bool:
    """Whether a name goes on over the edge: "approved by GSA | Tech Operations"."""
    if begin == end:
        return False
    touching = words.spans[edge][0] - words.spans[edge - 1][1] <= 1
    return touching and words.written[edge - 1][0].isupper() and words.written[edge][0].isupper()


def _cuts_number_before(words: Words, begin: int, first: int) -> bool:
    if begin == first:
        return False
    edge = meaning_of(words, max(begin, first - 3), first).concepts[-1:]
    number = is_number(words.forms[first]) and is_number(words.forms[first - 1])
    return words.forms[first - 1] in _SIGNS or bool(BOUNDS.intersection(edge)) or number


def _cuts_number_after(words: Words, last: int, end: int) -> bool:
    return last < end and (words.forms[last] in _SIGNS or is_number(words.forms[last - 1]))


def _grouped(sentence: Words, source: Prepared) -> tuple[float, Span] | None:
    """A lead-in with some of its items, or the labelled cells of a row, in the source's order."""
    form = sentence.joined.strip()
    for group in source.groups:
        used = _parts_of(form, group)
        if used:
            start = min(group.lead_span[0], used[0][0])
            return 1.0, (start, used[-1][1])
    return None


def _parts_of(form: str, group: Group) -> list[Span]:
    if not form.startswith(group.lead):
        return []
    rest = form[len(group.lead) :].lstrip()
    used: list[Span] = []
    for part, span in group.parts:
        if rest == part or rest.startswith(part + " "):
            rest = rest[len(part) :].lstrip()
            used.append(span)
        elif not group.lead and not used:
            return []  # a row without its first cell is about nothing
    return used if not rest else []
