"""What tools require of each other, resolved: who is offered a tool must be offered all that it requires.

Pure, so that the gateway decides by it and the platform explains by it (SPEC 9).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

MOST: Final = 100
"""Tools that one may require, directly or not: a chain through thousands would take minutes to resolve."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """all: everything that a tool requires, directly or not, as far as it was followed. problem: why nobody
    can be offered it, in words for an admin; None where it depends on the caller alone."""

    all: frozenset[str] = frozenset()
    problem: str | None = None


NOTHING = Requirement()


def resolved(requires: Mapping[str, Sequence[str]]) -> dict[str, Requirement]:
    """For every tool there is (also those that require nothing), by name.

    A tool that leads to one that is not there, into a circle, or to more than MOST, has a `problem`.
    """
    direct = {name: frozenset(wanted) for name, wanted in requires.items()}
    reached = {
        name: _reached(name, direct) if wanted else frozenset[str]() for name, wanted in direct.items()
    }
    circling = {name for name, found in reached.items() if name in found}
    return {
        name: Requirement(found, _problem(found, direct, circling)) if found else NOTHING
        for name, found in reached.items()
    }


def _problem(found: frozenset[str], direct: Mapping[str, frozenset[str]], circling: set[str]) -> str | None:
    if len(found) > MOST:
        return f"It requires more than {MOST} tools in all."
    if missing := sorted(found - direct.keys()):
        return f"It requires {_listed(missing)}, which is not registered."
    # what is in a circle reaches itself, so it is among what it requires
    if circle := sorted(found & circling):
        return f"What it requires runs in a circle: {_listed(circle)}."
    return None


def _reached(name: str, direct: Mapping[str, frozenset[str]]) -> frozenset[str]:
    found = set(direct[name])
    waiting = list(found)
    while waiting and len(found) <= MOST:
        new = direct.get(waiting.pop(), frozenset()) - found
        found |= new
        waiting += new
    return frozenset(found)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
