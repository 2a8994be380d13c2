"""Code and JSON as a tree of parts with names, and as the leaves that a chunk may begin and end with."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from knowledge.chunk.atoms import Placed, within
from knowledge.chunk.tokens import Measure

Glue = Literal["", "opens", "closes"]


@dataclass(slots=True)
class Part:
    """A definition, an object, an array or a value: whole lines of a block, with the parts inside it.

    first, last: line numbers, `last` excluded. name: "" where it has none.
    """

    first: int
    last: int
    name: str = ""
    children: list["Part"] = field(default_factory=list["Part"])


@dataclass(frozen=True, slots=True)
class Leaf:
    """A stretch that fits into a chunk. path: the names of the parts it is in, its own last.

    glue: a line that only opens or closes something stays with what follows or what was before.
    alone: large enough to be a chunk of its own.
    """

    start: int
    end: int
    tokens: int
    path: tuple[str, ...]
    page: int | None = None
    glue: Glue = ""
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of a placed block by their places in the document."""

    placed: Placed
    spans: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, placed: Placed) -> "Lines":
        spans: list[tuple[int, int]] = []
        at = 0
        for line in placed.block.text.split("\n"):
            spans.append((at, at + len(line)))
            at += len(line) + 1
        return cls(placed, tuple(spans))

    def text(self, first: int, last: int) -> str:
        return self.placed.block.text[self.spans[first][0] : self.spans[last - 1][1]]


def leaves(lines: Lines, parts: Sequence[Part], measure: Measure) -> Iterator[Leaf]:
    """All lines but empty ones, in order, in the largest parts that fit into a chunk."""
    root = Part(0, len(lines.spans), "", list(parts))
    yield from _inside(lines, root, (), measure)


def _inside(lines: Lines, part: Part, path: tuple[str, ...], measure: Measure) -> Iterator[Leaf]:
    at = part.first
    for child in part.children:
        yield from _loose(lines, range(at, child.first), path, measure)
        own = (*path, child.name) if child.name else path
        text = lines.text(child.first, child.last)
        tokens = measure.count(text)
        if tokens <= measure.limit:
            yield from _leaf(lines, child, own, tokens)
        elif child.children:
            yield from _inside(lines, child, own, measure)
        else:
            yield from _loose(lines, range(child.first, child.last), own, measure)
        at = child.last
    yield from _loose(lines, range(at, part.last), path, measure)


def _leaf(lines: Lines, part: Part, path: tuple[str, ...], tokens: int) -> Iterator[Leaf]:
    first, last = part.first, part.last
    text = lines.text(first, last)
    if not text.strip():
        return
    before = len(text) - len(text.lstrip("\n"))
    start = lines.placed.start + lines.spans[first][0]
    yield Leaf(
        start + before,
        start + len(text.rstrip()),
        tokens,
        path,
        lines.placed.block.page,
        _glue(text),
        bool(part.name) and tokens > ALONE,
    )


# A definition of more than that deserves a citation of its own.
ALONE = 40


def _loose(lines: Lines, numbers: range, path: tuple[str, ...], measure: Measure) -> Iterator[Leaf]:
    """Lines between parts, one leaf each; too long ones are cut."""
    text = lines.placed.block.text
    for number in numbers:
        start, end = lines.spans[number]
        tokens = measure.count(text[start:end])
        if tokens <= measure.limit:
            yield from _leaf(lines, Part(number, number + 1), path, tokens)
            continue
        for a, b in within(text, start, end, measure.limit, measure.count):
            yield Leaf(
                lines.placed.start + a,
                lines.placed.start + b,
                measure.count(text[a:b]),
                path,
                lines.placed.block.page,
            )


def _glue(text: str) -> Glue:
    bare = text.strip()
    if not bare.rstrip(",;").strip("}])"):
        return "closes"
    return "opens" if bare.endswith(("{", "[", "(")) and "\n" not in bare else ""
