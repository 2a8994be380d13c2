"""The same text on three pages is one result with three sources."""

from collections.abc import Iterable
from dataclasses import replace

from knowledge.search.fusion import Ranked
from knowledge.search.standing import Standings

MOST_SOURCES = 8


def folded(ranked: Iterable[Ranked], wanted: int, standings: Standings) -> list[Ranked]:
    """The first `wanted` that say something of their own, in order, each with its doubles behind it.

    Of doubles the first stands for all, but one that still holds before one that is outdated. A double that
    comes only after `wanted` others is not looked for.
    """
    kept: list[Ranked] = []
    places: dict[str, int] = {}
    for item in ranked:
        standing = standings.of(item.hit)
        place = places.get(standing.fingerprint) if standing.fingerprint else None
        if place is None:
            if len(kept) == wanted:
                break
            places[standing.fingerprint] = len(kept)
            kept.append(item)
        elif standings.of(kept[place].hit).outdated and not standing.outdated:
            kept[place] = _with(replace(item, score=kept[place].score), kept[place])
        else:
            kept[place] = _with(kept[place], item)
    return kept


def _with(one: Ranked, other: Ranked) -> Ranked:
    others = (*one.also_in, other.hit, *other.also_in)
    return replace(one, also_in=tuple({hit.chunk_id: hit for hit in others}.values())[:MOST_SOURCES])
