"""Two definitions of one tool, and where they differ, for a person who has to decide."""

import difflib
import re
from collections.abc import Iterator
from typing import Any, cast

from kit.wire.governance import Change, Words
from platform_api.toolbox.legible import shown

_MOST_CHANGES = 200
_MOST_WORDS = 3000
_DEEPEST = 40
_TOKENS = re.compile(r"\w+|\s+|[^\w\s]")
_GONE = object()


def difference(approved: Any, seen: Any) -> list[Change]:
    """What was added, removed, changed, by path, at most 200; empty exactly where they are equal.

    Texts are as `legible.shown` writes them, and carry the words that differ.
    """
    changes = _between(approved, seen, "", 0)
    return [change for change, _ in zip(changes, range(_MOST_CHANGES), strict=False)]


def _between(before: Any, after: Any, path: str, depth: int) -> Iterator[Change]:
    if _same(before, after):
        return
    if isinstance(before, dict) and isinstance(after, dict) and depth < _DEEPEST:
        yield from _fields(cast(dict[str, Any], before), cast(dict[str, Any], after), path, depth)
    elif isinstance(before, list) and isinstance(after, list) and depth < _DEEPEST:
        yield from _elements(cast(list[Any], before), cast(list[Any], after), path, depth)
    else:
        yield _change(before, after, path)


def _same(before: Any, after: Any) -> bool:
    """As JSON sees it: true is not 1. 1 and 1.0 are one number to JSON, but two definitions to a hash."""
    if isinstance(before, dict) and isinstance(after, dict):
        ours, theirs = cast(dict[str, Any], before), cast(dict[str, Any], after)
        return ours.keys() == theirs.keys() and all(_same(ours[key], theirs[key]) for key in ours)
    if isinstance(before, list) and isinstance(after, list):
        one, other = cast(list[Any], before), cast(list[Any], after)
        return len(one) == len(other) and all(map(_same, one, other))
    return _equal_values(before, after)


def _equal_values(before: Any, after: Any) -> bool:
    return type(before) is type(after) and bool(before == after)


def _fields(before: dict[str, Any], after: dict[str, Any], path: str, depth: int) -> Iterator[Change]:
    for key in [*before, *(key for key in after if key not in before)]:
        place = f"{path}.{shown(key)}" if path else shown(key)
        yield from _between(before.get(key, _GONE), after.get(key, _GONE), place, depth + 1)


def _elements(before: list[Any], after: list[Any], path: str, depth: int) -> Iterator[Change]:
    if _is_set(before) and _is_set(after):
        yield from _names(before, after, path)
        return
    for at in range(max(len(before), len(after))):
        one, other = (items[at] if at < len(items) else _GONE for items in (before, after))
        yield from _between(one, other, f"{path}[{at}]", depth + 1)


def _is_set(items: list[Any]) -> bool:
    return all(isinstance(item, str) for item in items) and len(set(items)) == len(items)


def _names(before: list[str], after: list[str], path: str) -> Iterator[Change]:
    """Of `enum`, `required`: which came and which went; else the order is what changed."""
    gone, come = [one for one in before if one not in after], [one for one in after if one not in before]
    for name in gone:
        yield _change(name, _GONE, f"{path}[]")
    for name in come:
        yield _change(_GONE, name, f"{path}[]")
    if not gone and not come:
        yield _change(before, after, path)


def _change(before: Any, after: Any, path: str) -> Change:
    if before is _GONE:
        return Change(path=path, kind="added", after=_readable(after))
    if after is _GONE:
        return Change(path=path, kind="removed", before=_readable(before))
    words = words_between(before, after) if isinstance(before, str) and isinstance(after, str) else None
    return Change(path=path, kind="changed", before=_readable(before), after=_readable(after), words=words)


def _readable(value: Any) -> Any:
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, list):
        return [_readable(item) for item in cast(list[Any], value)]
    if isinstance(value, dict):
        return {shown(key): _readable(item) for key, item in cast(dict[str, Any], value).items()}
    return value


def words_between(before: str, after: str) -> list[Words] | None:
    """The words of both texts in order; None for texts too long to compare word by word."""
    one, other = _TOKENS.findall(shown(before)), _TOKENS.findall(shown(after))
    if len(one) + len(other) > _MOST_WORDS:
        return None
    return list(_words(one, other))


def _words(one: list[str], other: list[str]) -> Iterator[Words]:
    for op, a, b, c, d in difflib.SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if op == "equal":
            yield Words(op="same", text="".join(one[a:b]))
            continue
        if a < b:
            yield Words(op="deleted", text="".join(one[a:b]))
        if c < d:
            yield Words(op="inserted", text="".join(other[c:d]))
