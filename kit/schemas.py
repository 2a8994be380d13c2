"""JSON Schemas that others wrote, compiled (2020-12 unless they say otherwise)."""

from collections.abc import Iterator
from typing import Any, Final, cast
from urllib.parse import unquote

import jsonschema_rs
import msgspec

MOST: Final = 1_000_000
"""Schemas, every reference written out: what takes a fraction of a second to check."""
_VALUES: Final = frozenset({"enum", "const", "default", "examples", "example"})
_MAPS: Final = frozenset({"properties", "patternProperties", "dependentSchemas", "$defs", "definitions"})
"""Whose keys are names and no keywords."""
_NAMED: Final = ("$id", "$anchor", "$dynamicAnchor")
_REFERS: Final = ("$ref", "$dynamicRef", "$recursiveRef")


def compiled_schema(schema: Any) -> jsonschema_rs.Validator:
    """Formats are checked. Raises ValueError for what is no schema, refers to something outside itself, or
    takes no end of time to check."""
    if _refers(schema) and expanded(schema) > MOST:
        raise ValueError("This schema refers to itself more often than can be checked.")
    # Offline: a `$ref` of an outside address would be fetched from within our network, files included.
    return jsonschema_rs.validator_for(schema, validate_formats=True, offline=True)


def _refers(schema: Any) -> bool:
    """Whether there is anything to count: without references it is as large as it is written."""
    try:
        written = msgspec.json.encode(schema)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError("This schema is no JSON.") from error
    return any(f'"{keyword}"'.encode() in written for keyword in _REFERS)


def expanded(schema: Any) -> int:
    """How many schemas there are with every reference written out, each recursion once.

    Thirty definitions that refer to the next one twice each are a thousand million: one call would stop the
    process that checks it. Raises ValueError for a reference that leads nowhere within.
    """
    try:
        return _Counting(schema).of(schema)
    except RecursionError as error:
        raise ValueError("This schema is nested too deeply.") from error


def effort(schema: Any, depth: int) -> int:
    """At most so many checks to say all that is wrong with a value nested so deeply, where a yes or no stops
    early: every alternative at every level, if the schema is in itself. Raises as `expanded`."""
    counting = _Counting(schema)
    count = counting.of(schema)
    return count ** max(1, depth) if counting.rings > 1 else count


class _Counting:
    def __init__(self, whole: Any) -> None:
        self.rings = 0
        """Places where it refers to what it is in."""
        self._on_the_way: set[int] = set()
        self._whole = whole
        self._named: dict[str, Any] | None = None
        self._known: dict[int, int] = {}

    def of(self, node: Any) -> int:
        if not isinstance(node, dict | list):
            return 0
        key = id(cast(object, node))
        if key in self._on_the_way:
            self.rings += 1
            return 0
        if key not in self._known:
            self._on_the_way.add(key)
            self._known[key] = min(MOST + 1, 1 + sum(self.of(inner) for inner in self._inside(node)))
            self._on_the_way.remove(key)
        return self._known[key]

    def _inside(self, node: Any) -> Iterator[Any]:
        if isinstance(node, list):
            yield from cast(list[Any], node)
            return
        for key, inner in cast(dict[str, Any], node).items():
            if key in _REFERS and isinstance(inner, str):
                yield self._at(inner)
            elif key in _MAPS and isinstance(inner, dict):
                yield from cast(dict[str, Any], inner).values()
            elif key not in _VALUES:
                yield inner

    def _at(self, reference: str) -> Any:
        place, _, fragment = reference.partition("#")
        if not place and (not fragment or fragment.startswith("/")):
            return self._pointed(unquote(fragment))
        if self._named is None:
            self._named = dict(_names(self._whole))
        found = self._named.get(reference, self._named.get(fragment or place))
        if found is None:
            raise ValueError(f"This schema refers to something outside itself: {reference[:80]!r}.")
        return found

    def _pointed(self, pointer: str) -> Any:
        found = self._whole
        for part in pointer.split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            if isinstance(found, dict) and key in found:
                found = cast(dict[str, Any], found)[key]
            elif isinstance(found, list) and key.isdigit() and int(key) < len(cast(list[Any], found)):
                found = cast(list[Any], found)[int(key)]
            else:
                raise ValueError(f"This schema's reference leads nowhere: {pointer[:80]!r}.")
        return found


def _names(node: Any) -> Iterator[tuple[str, Any]]:
    """What can be referred to by name rather than by its place."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            schema = cast(dict[str, Any], one)
            yield from ((schema[key], schema) for key in _NAMED if isinstance(schema.get(key), str))
            waiting += schema.values()
        elif isinstance(one, list):
            waiting += cast(list[Any], one)
