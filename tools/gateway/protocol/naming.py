"""Names for clients that take only letters, digits, `_` and `-` in them, 64 at most: `?names=plain`.

Each dot, and whatever else such a client refuses, becomes `_`. Where two names would become one, or a
name is too long, the first keeps the plain form and the others end in eight characters of their hash.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Literal

Names = Literal["own", "plain"]
_LONGEST = 64
_REFUSED = re.compile(r"[^A-Za-z0-9_-]")


def plain(names: Iterable[str]) -> Mapping[str, str]:
    """Plain name → name; names that are plain already keep themselves."""
    given = sorted(names, key=lambda name: (_plain(name) != name, name))
    made: dict[str, str] = {}
    for name in given:
        short = _plain(name)
        if short in made or len(short) > _LONGEST:
            short = f"{short[: _LONGEST - 9]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"
        made[short] = name
    return made


def _plain(name: str) -> str:
    return _REFUSED.sub("_", name)


def names_of(query: bytes) -> Names:
    return "plain" if b"names=plain" in query.split(b"&") else "own"
