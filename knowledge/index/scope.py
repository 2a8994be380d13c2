"""What a read may touch. A scope begins with access keys, so a read without them cannot be written."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from access.keys import AccessKeys
from knowledge.index import fields
from knowledge.index.port import IndexFilter


@dataclass(frozen=True, slots=True)
class AnyOf:
    """The field holds at least one of the values."""

    field: str
    values: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError(f"A condition on {self.field} without values.")


@dataclass(frozen=True, slots=True)
class Between:
    """start ≤ field < end; None leaves that side open."""

    field: str
    start: datetime | None
    end: datetime | None


Condition = AnyOf | Between


@dataclass(frozen=True, slots=True)
class Scope:
    """access: the filter on access keys. narrowing: what was asked on top.

    limit: on knowledge bases, such as a token's; with `access` it is what may be seen, the corpus of IDF.
    """

    access: AnyOf
    narrowing: tuple[Condition, ...] = ()
    limit: AnyOf | None = None

    def __post_init__(self) -> None:
        if self.access.field != fields.ACCESS_KEYS:
            raise ValueError("A scope starts from access keys.")

    @classmethod
    def of(cls, keys: AccessKeys, filter: IndexFilter) -> "Scope":
        bases = filter.knowledge_base_ids
        limit = None if bases is None else AnyOf(fields.KNOWLEDGE_BASE, tuple(sorted(map(str, bases))))
        return cls(AnyOf(fields.ACCESS_KEYS, tuple(keys)), tuple(_narrowing(filter)), limit)

    @property
    def corpus(self) -> tuple[Condition, ...]:
        """Whose words are counted: a document that may not be seen must not move a score."""
        return (self.access, self.limit) if self.limit else (self.access,)

    @property
    def conditions(self) -> tuple[Condition, ...]:
        return (*self.corpus, *self.narrowing)

    def narrowed(self, *conditions: Condition) -> "Scope":
        return Scope(self.access, (*self.narrowing, *conditions), self.limit)


def _narrowing(filter: IndexFilter) -> Iterator[Condition]:
    if filter.section:
        yield AnyOf(fields.SECTIONS, (fields.section_key(filter.section),))
    if filter.after or filter.before:
        yield Between(fields.LAST_MODIFIED, filter.after, filter.before)
    for name in fields.PLAIN:
        value: str | None = getattr(filter, name)
        if value is not None:
            yield AnyOf(name, (value,))
    for tag in filter.tags:
        yield AnyOf(fields.TAGS, (tag,))
