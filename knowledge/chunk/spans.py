"""The strategies: where each chunk begins and ends."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from knowledge.chunk.atoms import Atom, Placed, atoms, fine_atoms
from knowledge.chunk.sections import Section, placed_blocks, sections
from knowledge.chunk.structure import code_leaves
from knowledge.chunk.tokens import CountTokens, Measure
from knowledge.document import LoadedDocument

# A whole subtree of sections becomes one chunk only while its parts are this small: a section of more
# than that is worth a citation of its own.
SMALL_SECTION = 60
OVERLAP = 50
# The embedder reads 256 word pieces, two of them marks, and title and section path go in front.
EMBEDDER_READS = 250
LEAST = 96


@dataclass(frozen=True, slots=True)
class Span:
    start: int
    end: int
    path: tuple[str, ...]
    anchor: str
    page: int | None
    header: str = ""


def layout(document: LoadedDocument, measure: Measure) -> Iterator[Span]:
    """Headings are boundaries; small sections under one parent stay together, their headings in the text."""
    return _section_spans(sections(document), document.title, measure.limit, measure.count)


def headings_only(document: LoadedDocument, measure: Measure) -> Iterator[Span]:
    """All blocks as text."""
    pieces = all_atoms(placed_blocks(document), measure.limit, measure.count)
    return pack(pieces, measure.limit, (), "")


def _section_spans(section: Section, title: str, limit: int, count: CountTokens) -> Iterator[Span]:
    room = _room(section, title, limit, count)
    # Not under the page's own title: there each section deserves its own anchor.
    if section.path and _stays_together(section, room, count):
        yield from pack(all_atoms(section.blocks(), room, count), room, section.path, section.anchor)
        return
    yield from pack(all_atoms(section.body, room, count), room, section.path, section.anchor)
    for child in section.children:
        yield from _section_spans(child, title, limit, count)


def _room(section: Section, title: str, limit: int, count: CountTokens) -> int:
    """What the title and the path leave of the embedder's window."""
    context = count(" ".join([title, *section.path]))
    return min(limit, max(EMBEDDER_READS - context, LEAST))


def _stays_together(section: Section, room: int, count: CountTokens) -> bool:
    if not section.children or not any(True for part in section.walk() if part.body):
        return False
    total = 0
    for placed in section.blocks():
        total += count(placed.block.text)
        if total > room:
            return False
    return all(
        sum(count(placed.block.text) for placed in part.body) <= SMALL_SECTION
        for part in section.walk()
        if part is not section
    )


def all_atoms(blocks: Iterable[Placed], limit: int, count: CountTokens) -> list[Atom]:
    """Blocks in pieces that are never torn."""
    found: list[Atom] = []
    for placed in blocks:
        code = placed.block.kind == "code"
        if code and found and found[-1].tokens <= SMALL_SECTION:
            # The words that introduce an example stay with it.
            found[-1] = replace(found[-1], leads=True)
        found += _code_atoms(placed, limit, count) if code else atoms(placed, limit, count)
    return found


def _code_atoms(placed: Placed, limit: int, count: CountTokens) -> list[Atom]:
    whole = count(placed.block.text)
    if whole <= limit:
        return [Atom(placed.start, placed.end, whole, placed.block.page)]
    return [
        Atom(leaf.start, leaf.end, leaf.tokens, leaf.page, leads=leaf.glue == "opens")
        for leaf in code_leaves(placed, Measure(limit, count))
    ]


def pack(pieces: list[Atom], limit: int, path: tuple[str, ...], anchor: str) -> Iterator[Span]:
    """Fill chunks in order and about evenly, so that none is left with a few words."""
    total = sum(atom.tokens for atom in pieces)
    aim = limit if total <= limit else total / -(-total // limit)
    group: list[Atom] = []
    used = 0
    for atom in pieces:
        begins = atom.header_tokens if not group else 0
        if group and (used + atom.tokens > limit or (used >= aim and not group[-1].leads)):
            carried = _carried(group, atom, limit)
            yield _span(group[: len(group) - len(carried)], path, anchor)
            group = carried
            used = sum(item.tokens for item in group)
            begins = atom.header_tokens if not group else 0
        group.append(atom)
        used += atom.tokens + begins
    if group:
        yield _span(group, path, anchor)


def _carried(group: list[Atom], following: Atom, limit: int) -> list[Atom]:
    """A line that announces what follows goes along to the next chunk, where there is room for both."""
    last = group[-1]
    moves = last.leads and len(group) > 1 and last.tokens + following.tokens <= limit and not following.header
    return [last] if moves else []


def _span(group: list[Atom], path: tuple[str, ...], anchor: str) -> Span:
    first = group[0]
    return Span(first.start, group[-1].end, path, anchor, first.page, first.header)


def markdown(document: LoadedDocument, measure: Measure) -> Iterator[Span]:
    """The layout that Markdown writes down; examples of code are cut by what they define."""
    return layout(document, measure)


def paragraph(document: LoadedDocument, measure: Measure) -> Iterator[Span]:
    """Each block that is not a heading is a chunk; long ones are cut."""
    limit, count = measure.limit, measure.count
    for section in sections(document).walk():
        for placed in section.body:
            yield from pack(all_atoms([placed], limit, count), limit, section.path, section.anchor)


def page(document: LoadedDocument, measure: Measure) -> Iterator[Span]:
    """Each page is a chunk, headings included; long ones are cut."""
    limit, count = measure.limit, measure.count
    places = _places(document)
    group: list[Placed] = []
    for placed in placed_blocks(document):
        if group and placed.block.page != group[-1].block.page:
            yield from pack(all_atoms(group, limit, count), limit, *places[group[0].start])
            group = []
        group.append(placed)
    if group:
        yield from pack(all_atoms(group, limit, count), limit, *places[group[0].start])


def fixed_size(document: LoadedDocument, measure: Measure) -> Iterator[Span]:
    """Windows over the whole text, each repeating the end of the one before; rows and items stay whole."""
    limit = measure.limit
    places = _places(document)
    pieces = [atom for placed in placed_blocks(document) for atom in fine_atoms(placed, limit, measure.count)]
    owners = _owners(document, pieces)
    begin = 0
    while begin < len(pieces):
        end, used = begin, pieces[begin].header_tokens
        while end < len(pieces) and (end == begin or used + pieces[end].tokens <= limit):
            used += pieces[end].tokens
            end += 1
        path, anchor = places[owners[begin]]
        first = pieces[begin]
        yield Span(first.start, pieces[end - 1].end, path, anchor, first.page, first.header)
        if end == len(pieces):
            return
        begin = _overlapping(pieces, begin, end, limit)


def _overlapping(pieces: list[Atom], begin: int, end: int, limit: int) -> int:
    """Where the next window starts: about 50 tokens (a tenth of small windows) before the last one's end."""
    overlap, start = min(OVERLAP, limit // 10), end
    while start - 1 > begin and overlap - pieces[start - 1].tokens >= 0:
        start -= 1
        overlap -= pieces[start].tokens
    return start


def _owners(document: LoadedDocument, pieces: list[Atom]) -> list[int]:
    """For each piece the start of the block that it is part of."""
    starts = [placed.start for placed in placed_blocks(document)]
    owners: list[int] = []
    position = 0
    for atom in pieces:
        while position + 1 < len(starts) and starts[position + 1] <= atom.start:
            position += 1
        owners.append(starts[position])
    return owners


def _places(document: LoadedDocument) -> dict[int, tuple[tuple[str, ...], str]]:
    """Start of each block → the path and anchor of its section; a heading belongs to its own section."""
    found: dict[int, tuple[tuple[str, ...], str]] = {}
    for section in sections(document).walk():
        own = [section.heading] if section.heading else []
        for placed in [*own, *section.body]:
            found[placed.start] = (section.path, section.anchor)
    return found
