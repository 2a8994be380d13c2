"""A corpus for the ingestion benchmark: the same for the same number, no two sentences alike."""

import random
from collections.abc import Iterator

from switchboard_sdk.library import NamedFile

_THINGS = (
    *("Mooring", "Anchor", "Winch", "Ladder", "Pump", "Engine", "Hatch", "Buoy", "Crane", "Ferry"),
    *("Cable", "Valve", "Radar", "Compass", "Locker", "Lantern", "Generator", "Stern", "Cabin"),
    *("Galley", "Deck", "Rudder", "Hull", "Keel", "Mast", "Bilge", "Fender", "Gangway", "Quay"),
)
_WHO = ("harbour master", "night shift", "deck crew", "safety officer", "workshop", "duty engineer")
_MUST = ("checks", "replaces", "reports", "inspects", "cleans", "signs for", "tests", "paints")
_WHEN = ("before sailing", "each Monday", "after a storm", "twice a year", "at low tide", "every watch")
SMALL, TYPICAL = 3, 15
"""Sections of a page: about 280 word pieces, and about 1,300 (two or three printed pages)."""
SENTENCES = 3


def pages(folder: str, number: int, sections: int, changed: int | None = None) -> Iterator[NamedFile]:
    """Markdown pages; `changed` is the page of which one sentence is another."""
    for page in range(number):
        text = _page(f"{folder}-{page}", sections, page == changed)
        yield NamedFile(f"{folder}/{page:05}.md", text.encode())


def _page(name: str, sections: int, changed: bool) -> str:
    rng = random.Random(name)
    parts = [f"# {rng.choice(_THINGS)} instructions {name}"]
    for section in range(sections):
        sentences = [_sentence(rng, name) for _ in range(SENTENCES)]
        if changed and section == 1:
            sentences[-1] = "This sentence was written anew."
        parts += [f"## {rng.choice(_THINGS)} {section + 1}", " ".join(sentences)]
    return "\n\n".join(parts) + "\n"


def _sentence(rng: random.Random, name: str) -> str:
    one, other = (thing.lower() for thing in rng.sample(_THINGS, 2))
    return (
        f"The {rng.choice(_WHO)} {rng.choice(_MUST)} the {one} of berth {name}-{rng.randrange(999)} "
        f"{rng.choice(_WHEN)}, and the {other} where it shows more than {rng.randrange(2, 90)} marks of wear."
    )
