"""A world of people, groups and documents twice: as the platform has it, and as the rules of SPEC 6 say.

The rules are written down here a second time, on plain sets, by somebody who does not look at the tables.
"""

from dataclasses import dataclass, field
from typing import Literal

GROUPS = ("amber", "blue", "coral")
PATHS = ("one.md", "two.md")
WORDS = 24
Role = Literal["OrgAdmin", "DeptAdmin", "User"]
Key = str
"""`everyone`, `group:<name>` or `person:<number>`."""
Base = str
"""`everyone`, `group:<name>` or `person:<number>`: the key of who may read it, too."""
EVERYONE = "everyone"


def group(name: str) -> str:
    return f"group:{name}"


def person(number: int) -> str:
    return f"person:{number}"


@dataclass
class Someone:
    number: int
    groups: set[str]
    role: Role

    @property
    def keys(self) -> set[Key]:
        return {EVERYONE, person(self.number), *(group(name) for name in self.groups)}

    def reads(self, base: Base) -> bool:
        return base in self.keys

    def manages(self, base: Base) -> bool:
        if base == EVERYONE:
            return self.role == "OrgAdmin"
        if base == person(self.number):
            return True
        return base in {group(name) for name in self.groups} and self.role != "User"


@dataclass
class Version:
    word: int
    keys: set[Key]
    groups: frozenset[str] | None


@dataclass
class Paper:
    """`own`: the keys without the shares."""

    id: str
    base: Base
    path: str
    author: int
    own: set[Key]
    versions: dict[int, Version]
    published: int | None = None
    shares: set[Key] = field(default_factory=set[Key])
    shared_by: dict[Key, int] = field(default_factory=dict[Key, int])
    corrected: str | None = None
    tag: str = ""
    """What facets say of it: the tag of the published text, or the corrected one."""

    @property
    def latest(self) -> int:
        return max(self.versions)

    def opens_to(self, someone: Someone) -> bool:
        return bool(someone.keys & (self.own | self.shares))

    def found_by(self, someone: Someone) -> bool:
        return self.published is not None and self.opens_to(someone)

    def opened_versions(self, someone: Someone) -> set[int]:
        return {
            number
            for number, version in self.versions.items()
            if version.keys & someone.keys or number == self.published
        }

    def publish(self) -> None:
        newest = self.versions[self.latest]
        self.published, self.own = self.latest, set(newest.keys)
        self.tag = self.corrected or f"word{newest.word}"


def by_both(sender: Someone, old: set[Key], new: set[Key]) -> set[Key]:
    """While a new version waits: who may see the old one and the new one."""
    if EVERYONE in old:
        return set(new)
    if EVERYONE in new:
        return set(old)
    both = old & new
    return both if both & sender.keys else both | {person(sender.number)}


def declared_keys(sender: int, base: Base, groups: frozenset[str] | None) -> set[Key]:
    return {base} if groups is None else {person(sender), *(group(name) for name in groups)}


def text_of(word: int) -> str:
    return f"---\ntags: [word{word}]\n---\n# The common matter\n\nIt is told by zebra{word} to all who ask.\n"
