"""Access keys: what a principal holds and what a document asks for (SPEC 6).

`o:<org>` everyone in the organisation, `g:<org>/<group>` a group or department, `u:<user>` one person.
Every key is bound to one organisation: a group's key carries it, and user ids are unique over all.
"""

from collections.abc import Iterable, Iterator
from uuid import UUID


class AccessKeys:
    """A set of access keys that is never empty, so a search without a filter cannot be expressed."""

    __slots__ = ("_keys",)

    def __init__(self, keys: Iterable[str]) -> None:
        self._keys = frozenset(keys)
        if not self._keys:
            raise ValueError("A principal without access keys can see nothing: do not search.")
        for key in self._keys:
            _check(key)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._keys))

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AccessKeys) and self._keys == other._keys

    def __hash__(self) -> int:
        return hash(self._keys)

    def __repr__(self) -> str:
        return f"AccessKeys({sorted(self._keys)!r})"

    def opens(self, document_keys: Iterable[str]) -> bool:
        """Whether a document with these keys may be seen; a document with none is nobody's."""
        return not self._keys.isdisjoint(document_keys)


def organisation_key(organisation_id: UUID) -> str:
    return f"o:{organisation_id}"


def group_key(organisation_id: UUID, group: str) -> str:
    return f"g:{organisation_id}/{group}"


def user_key(user_id: UUID) -> str:
    return f"u:{user_id}"


def groups_in(keys: AccessKeys, organisation_id: UUID) -> frozenset[str]:
    """The groups of this organisation that the keys belong to."""
    prefix = group_key(organisation_id, "")
    return frozenset(key.removeprefix(prefix) for key in keys if key.startswith(prefix))


def organisation_of(keys: AccessKeys) -> UUID | None:
    """The organisation that all these keys belong to; None where they name none, or more than one."""
    named = {rest.partition("/")[0] for kind, _, rest in (key.partition(":") for key in keys) if kind != "u"}
    try:
        return UUID(named.pop()) if len(named) == 1 else None
    except ValueError:
        return None


def _check(key: str) -> None:
    kind, _, rest = key.partition(":")
    if kind not in ("o", "g", "u") or not rest:
        raise ValueError(f"{key!r} is not an access key; expected o:…, g:… or u:….")
