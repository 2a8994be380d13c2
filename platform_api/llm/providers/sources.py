"""How a hosted model reads what docs.search found: numbered text instead of JSON.

It costs half the tokens, and the numbers are those that the model is told to cite.
"""

from pydantic import ValidationError

from kit.wire.base import Wire
from kit.wire.search import FoundChunk


class _Numbered(FoundChunk):
    n: int | None = None
    """Its number in the turn; without one its place in the result counts."""


class _Result(Wire):
    chunks: list[_Numbered]


def as_numbered_sources(result: object) -> object:
    """The text for a search result in JSON; anything else stays as it is."""
    if not isinstance(result, str) or '"chunks"' not in result:
        return result
    try:
        found = _Result.model_validate_json(result)
    except ValidationError:
        return result
    if not found.chunks:
        return "Nothing was found."
    return "\n\n".join(_numbered(chunk.n or n, chunk) for n, chunk in enumerate(found.chunks, start=1))


def _numbered(n: int, chunk: FoundChunk) -> str:
    about = chunk.metadata
    place = " › ".join(part for part in (about.page_title, about.section_title) if part)
    changed = f", last modified {about.last_modified:%Y-%m-%d}" if about.last_modified else ""
    return f"[{n}] {place}{changed}\n{chunk.content}"
