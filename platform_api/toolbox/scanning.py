"""What an admin should read twice in a definition before approving it (SPEC 9).

A definition is text that a stranger wrote and a model obeys: every string of it is looked at, names of
properties, enum values and defaults included. It finds what is known; that nothing was found proves nothing.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final, cast

from kit.wire.governance import Finding, Severity
from platform_api.toolbox.legible import (
    hidden_message,
    is_control,
    look_alikes,
    loosened,
    plain,
    shown,
    unseen,
)
from platform_api.toolbox.suspicious import SIGNS

_DEEPEST = 60
_MOST = 100
_QUOTED = 120
_LONGEST: Final[Mapping[str, tuple[int, int]]] = {"name": (64, 128), "title": (120, 400)}
_FEW_WORDS = 3
_LONGEST_TEXT = (4_000, 16_000)
_WORDS = re.compile(r"[\w./-]+")
_NAME = re.compile(r"[A-Za-z0-9_./-]{1,128}")


def scan(definition: Mapping[str, Any], other_tools: Collection[str] = ()) -> list[Finding]:
    """Findings in the order of their severity, then of their place; at most 100.

    definition: the MCP tool object. other_tools: names that it has no reason to mention.
    """
    own = str(definition.get("name", ""))
    others = [name for name in other_tools if name != own and len(name) > 3]
    found = [finding for place, text in strings(definition) for finding in _of(place, text, others)]
    unique = {(one.place, one.kind, one.detail): one for one in found}
    return sorted(unique.values(), key=lambda one: _RANK[one.severity])[:_MOST]


_RANK: Final[Mapping[str, int]] = {"severe": 0, "warning": 1, "note": 2}


def is_severe(finding: Finding) -> bool:
    return finding.severity == "severe"


def strings(value: Any, place: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """(place, text) of every string within; a key is a text at `<place>.{key}`, too."""
    if isinstance(value, str):
        yield place, value
    elif depth > _DEEPEST:
        yield place, "\x00nested too deeply"
    elif isinstance(value, dict):
        for key, inner in cast(dict[str, Any], value).items():
            inside = f"{place}.{shown(key)}" if place else shown(key)
            if not key.isascii() or len(key) > _LONGEST["name"][0] or " " in key or not key.isprintable():
                yield f"{inside} (key)", key
            elif len(loosened(key).split()) > _FEW_WORDS:
                yield f"{inside} (name)", key
            yield from strings(inner, inside, depth + 1)
    elif isinstance(value, list):
        for at, inner in enumerate(cast(list[Any], value)):
            yield from strings(inner, f"{place}[{at}]", depth + 1)


def _of(place: str, text: str, others: list[str]) -> Iterator[Finding]:
    yield from _characters(place, text)
    yield from _length(place, text)
    yield from _name(place, text)
    read = plain(text)
    words = loosened(text)
    for sign in SIGNS:
        match = sign.pattern.search(read)
        if match is None and sign.kind == "instruction":
            match = sign.pattern.search(words)
        if match:
            yield _finding(place, sign.kind, sign.severity, f"{sign.says}: “{_cut(match.group())}”.")
    yield from _mentions(place, read, others)


def _characters(place: str, text: str) -> Iterator[Finding]:
    hidden = unseen(text)
    if hidden:
        points = ", ".join(sorted({f"U+{ord(c):04X}" for _, c in hidden})[:8])
        spelt = hidden_message(text)
        said = f" They spell “{_cut(spelt)}”." if spelt else ""
        yield _finding(place, "invisible", "severe", f"{len(hidden)} characters do not show: {points}.{said}")
    controls = sorted({f"U+{ord(c):04X}" for c in text if is_control(c)})
    if controls:
        yield _finding(place, "control", "severe", f"Control characters: {', '.join(controls[:8])}.")
    masked = look_alikes(text)
    if masked:
        words = ", ".join(f"“{shown(word)}”" for word in sorted(set(masked))[:5])
        yield _finding(place, "look_alike", "severe", f"Letters that pass for others: {_cut(words)}.")


def _length(place: str, text: str) -> Iterator[Finding]:
    notable, extreme = _LONGEST.get(place, _LONGEST_TEXT)
    if len(text) > notable:
        severity: Severity = "severe" if len(text) > extreme else "warning"
        yield _finding(place, "overlong", severity, f"{len(text)} characters are unusually many here.")


def _name(place: str, text: str) -> Iterator[Finding]:
    if place == "name" and not _NAME.fullmatch(text):
        yield _finding(
            place, "look_alike", "severe", "The name has other characters than letters, digits and _./-."
        )
    elif place.endswith(" (key)"):
        yield _finding(
            place, "look_alike", "warning", "The name of a property is not plain ASCII, or is long."
        )


def _mentions(place: str, read: str, others: list[str]) -> Iterator[Finding]:
    words = {word.rstrip(".") for word in _WORDS.findall(read)}
    named = [name for name in others if name.casefold() in words]
    if named and re.search(r"\b(?:use|call|invoke|run|instead|before|after|then|replace)", read):
        yield _finding(place, "other_tool", "warning", f"It mentions other tools: {_cut(', '.join(named))}.")


def _finding(place: str, kind: Any, severity: Severity, detail: str) -> Finding:
    return Finding(place=place, kind=kind, severity=severity, detail=detail)


def _cut(text: str) -> str:
    text = shown(text)
    return text if len(text) <= _QUOTED else f"{text[:_QUOTED]}…"
