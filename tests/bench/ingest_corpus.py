"""A corpus of small pages for the ingestion benchmark: the same for the same number, no two sentences alike."""

import random
from collections.abc import Iterator

from switchboard_sdk.library import NamedFile

_THINGS = [
    "mooring",
    "anchor",
    "winch",
    "ladder",
    "pump",
    "engine",
    "hatch",
    "buoy",
    "crane",
    "ferry",
    "cable",
    "valve",
    "radar",
    "compass",
    "locker",
    "lantern",
    "generator",
    "stern",
    "cabin",
    "galley",
    "deck",
    "rudder",
    "hull",
    "keel",
    "mast",
    "bilge",
    "fender",
    "gangway",
    "harbour",
    "lock",
    "pier",
    "quay",
    "tug",
]
_WHO = [
    "harbour master",
    "night shift",
    "deck crew",
    "safety officer",
    "workshop",
    "duty engineer",
    "catering",
    "front desk",
]
_MUST = ["checks", "replaces", "reports", "inspects", "cleans", "signs for", "tests", "paints"]
_WHEN = [
    "before sailing",
    "each Monday",
    "after a storm",
    "twice a year",
    "at low tide",
    "within two days",
    "every watch",
]
SECTIONS = 3
SENTENCES = 3


def pages(number: int, changed: int | None = None) -> Iterator[NamedFile]:
    """Markdown pages; `changed` is the page of which one sentence is another."""
    for page in range(number):
        yield NamedFile(f"pages/{page:05}.md", _page(page, page == changed).encode())


def _page(page: int, changed: bool) -> str:
    rng = random.Random(page)
    parts = [f"# {rng.choice(_THINGS).title()} instructions {page}"]
    for section in range(SECTIONS):
        sentences = [_sentence(rng, page) for _ in range(SENTENCES)]
        if changed and section == 1:
            sentences[-1] = "This sentence was written anew."
        parts += [f"## {rng.choice(_THINGS).title()} {section + 1}", " ".join(sentences)]
    return "\n\n".join(parts) + "\n"


def _sentence(rng: random.Random, page: int) -> str:
    one, other = rng.sample(_THINGS, 2)
    return (
        f"The {rng.choice(_WHO)} {rng.choice(_MUST)} the {one} of berth {page}-{rng.randrange(999)} "
        f"{rng.choice(_WHEN)}, and the {other} where it shows more than {rng.randrange(2, 90)} marks of wear."
    )
