"""A block of code or JSON as leaves, whichever it is."""

from collections.abc import Iterator

from knowledge.chunk.atoms import Placed
from knowledge.chunk.code_parts import code_parts
from knowledge.chunk.json_parts import json_parts
from knowledge.chunk.parts import Leaf, Lines, leaves
from knowledge.chunk.tokens import Measure


def code_leaves(placed: Placed, measure: Measure) -> Iterator[Leaf]:
    """A block of code in pieces that fit into a chunk, by definitions or by values."""
    lines = Lines.of(placed)
    language = placed.block.language
    parts = json_parts(lines) if language == "json" else code_parts(lines, language)
    yield from leaves(lines, parts, measure)
