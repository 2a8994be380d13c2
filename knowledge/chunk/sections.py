"""The tree of headings: which blocks stand under which heading."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from knowledge.chunk.atoms import Placed
from knowledge.document import BLOCK_SEPARATOR, LoadedDocument


@dataclass(slots=True)
class Section:
    """A heading (None: before the first), the blocks directly under it, and its subsections."""

    heading: Placed | None
    path: tuple[str, ...]
    body: list[Placed] = field(default_factory=list[Placed])
    children: list["Section"] = field(default_factory=list["Section"])

    @property
    def level(self) -> int:
        return self.heading.block.level if self.heading else 0

    @property
    def anchor(self) -> str:
        return self.heading.block.anchor if self.heading else ""

    def blocks(self) -> Iterator[Placed]:
        """Everything in the section in reading order, its own heading left out."""
        yield from self.body
        for child in self.children:
            if child.heading:
                yield child.heading
            yield from child.blocks()

    def walk(self) -> Iterator["Section"]:
        yield self
        for child in self.children:
            yield from child.walk()


def placed_blocks(document: LoadedDocument) -> list[Placed]:
    found: list[Placed] = []
    position = 0
    for block in document.blocks:
        found.append(Placed(block, position))
        position += len(block.text) + len(BLOCK_SEPARATOR)
    return found


def sections(document: LoadedDocument) -> Section:
    """The root section; a heading that only repeats the document's title does not count in paths."""
    root = Section(None, ())
    above = [root]
    for placed in placed_blocks(document):
        if placed.block.kind != "heading":
            above[-1].body.append(placed)
            continue
        while above[-1].level >= placed.block.level:
            above.pop()
        section = Section(placed, _path(above[-1].path, placed.block.text, document.title))
        above[-1].children.append(section)
        above.append(section)
    return root


def _path(above: tuple[str, ...], heading: str, title: str) -> tuple[str, ...]:
    return above if not above and heading.casefold() == title.casefold() else (*above, heading)
