"""The strategies for code and JSON: chunks begin and end with definitions, objects and values."""

from collections.abc import Iterable, Iterator
from itertools import groupby, takewhile

from knowledge.chunk.parts import Leaf
from knowledge.chunk.sections import Section, sections
from knowledge.chunk.spans import Span, all_atoms, pack
from knowledge.chunk.structure import code_leaves
from knowledge.chunk.tokens import Measure
from knowledge.document import LoadedDocument

# A closing bracket may go beyond the limit rather than begin the next chunk.
_SLACK = 1.25


def structured(document: LoadedDocument, measure: Measure) -> Iterator[Span]:
    """By definitions (code) or objects, arrays and values (JSON); their names are the section path.

    Small neighbours share a chunk and stand under what they have in common. A comment stays with its
    definition. Only a value or a line that is longer than a chunk is cut.
    """
    for section in sections(document).walk():
        for is_code, run in groupby(section.body, key=lambda placed: placed.block.kind == "code"):
            if is_code:
                found = [leaf for placed in run for leaf in code_leaves(placed, measure)]
                yield from (_span(group, section) for group in _groups(found, measure.limit))
            else:
                pieces = all_atoms(run, measure.limit, measure.count)
                yield from pack(pieces, measure.limit, section.path, section.anchor)


def _groups(found: Iterable[Leaf], limit: int) -> Iterator[list[Leaf]]:
    group: list[Leaf] = []
    for leaf in found:
        if group and not _joins(group, leaf, limit):
            carried = _openers(group, leaf, limit)
            yield group[: len(group) - len(carried)]
            group = carried
        group.append(leaf)
    if group:
        yield group


def _joins(group: list[Leaf], leaf: Leaf, limit: int) -> bool:
    used = sum(one.tokens for one in group) + leaf.tokens
    if leaf.glue == "closes":
        return used <= limit * _SLACK
    if used > limit or any(one.alone for one in group):
        return False
    if used > limit / 2 and len(_shared([*group, leaf])) < len(_shared(group)):
        # It belongs to something else, and there is enough here already.
        return False
    return not leaf.alone or all(one.glue == "opens" for one in group)


def _shared(group: list[Leaf]) -> tuple[str, ...]:
    """What all of them are in."""
    return _common([leaf.path[:-1] for leaf in group if not leaf.glue])


def _openers(group: list[Leaf], following: Leaf, limit: int) -> list[Leaf]:
    """Lines at the end that only open what follows go along with it, where there is room."""
    opening = list(takewhile(lambda leaf: leaf.glue == "opens", reversed(group)))[::-1]
    room = sum(leaf.tokens for leaf in opening) + following.tokens <= limit
    return opening if room and len(opening) < len(group) else []


def _span(group: list[Leaf], section: Section) -> Span:
    told = [leaf.path for leaf in group if not leaf.glue] or [leaf.path for leaf in group]
    path = (*section.path, *_common(told))
    return Span(group[0].start, group[-1].end, path, section.anchor, group[0].page)


def _common(paths: list[tuple[str, ...]]) -> tuple[str, ...]:
    levels = zip(*paths, strict=False)
    return tuple(level[0] for level in takewhile(lambda level: len(set(level)) == 1, levels))
