"""Names for clients that take only letters, digits, `_` and `-` in them, 64 at most: `?names=plain`.

Each dot, and whatever else such a client refuses, becomes `_`. Where two names would become one, or a
name is too long, the first keeps the plain form and the others end in eight characters of their hash.
Ours come first: else a new server's `docs_search` would be called in place of our `docs.search`.
"""

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Literal

from kit.wire.tools import RELEASE
from tools.gateway.catalogue import Catalogue

Names = Literal["own", "plain"]
_LONGEST = 64
_REFUSED = re.compile(r"[^A-Za-z0-9_-]")


def plain(names: Iterable[str], first: Collection[str] = ()) -> Mapping[str, str]:
    """Plain name → name; those of `first` first, then names that are plain already keep themselves."""
    given = sorted(names, key=lambda name: (name not in first, _plain(name) != name, name))
    made: dict[str, str] = {}
    for name in given:
        short, hashed = _plain(name), name
        while short in made or len(short) > _LONGEST:
            # also a name that was made to look like another's hash takes nothing from it
            hashed = hashlib.sha256(hashed.encode()).hexdigest()
            short = f"{_plain(name)[: _LONGEST - 9]}_{hashed[:8]}"
        made[short] = name
    return made


class PlainNames:
    """Made once for each registry: calls come by plain names, too."""

    def __init__(self) -> None:
        self._version = ""
        self._made: dict[tuple[Catalogue, str | None], Mapping[str, str]] = {}

    def of(self, catalogue: Catalogue, server: str | None) -> Mapping[str, str]:
        """Plain name → name, on the endpoint of all servers (None) or of one."""
        if server is not None and server not in catalogue.servers:
            return {}
        if catalogue.version != self._version:
            self._version, self._made = catalogue.version, {}
        made = self._made.get((catalogue, server))
        if made is None:
            made = _of_all(catalogue) if server is None else _of_one(catalogue, server)
            self._made[catalogue, server] = made
        return made


def _of_all(catalogue: Catalogue) -> Mapping[str, str]:
    ours = {name for name, tool in catalogue.tools.items() if tool.policy.approved_by == RELEASE}
    return plain(catalogue.tools, ours)


def _of_one(catalogue: Catalogue, server: str) -> Mapping[str, str]:
    return plain(name for owner, name in catalogue.own if owner == server)


def _plain(name: str) -> str:
    return _REFUSED.sub("_", name)


def names_of(query: bytes) -> Names:
    return "plain" if b"names=plain" in query.split(b"&") else "own"
