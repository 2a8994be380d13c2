"""Generations of the index: a collection for each schema and embedder, one of which is current.

Another embedder, or another schema, is another collection: it is built beside the current one, then the
name "current" moves. Each keeps the description of its embedder, so that queries can be embedded for it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from knowledge.embed.spec import EmbedderSpec
from knowledge.embed.weights import VERSION
from knowledge.index import fields
from knowledge.index.port import Index

_NAME = re.compile(r"chunks-(?P<schema>v\d+)-(?P<embedder>.+)")


@dataclass(frozen=True, slots=True)
class Generation:
    """name: of the collection. spec: its embedder; None where it is not known: found by words only."""

    name: str
    dimensions: int
    spec: EmbedderSpec | None

    @property
    def schema(self) -> str:
        found = _NAME.fullmatch(self.name)
        return found["schema"] if found else ""

    @property
    def embedder(self) -> str:
        """The version of the embedder."""
        if self.spec:
            return self.spec.version
        found = _NAME.fullmatch(self.name)
        return found["embedder"] if found else ""


class Generations(Protocol):
    """All methods raise IndexUnavailable where the engine cannot be reached."""

    async def current(self) -> Generation:
        """The one that answers."""
        ...

    async def all(self) -> Sequence[Generation]:
        """Each that exists, the current one first."""
        ...

    async def index(self, generation: Generation) -> Index:
        """This one and no other, not the caller's to close; its calls raise GenerationGone after `drop`."""
        ...

    async def build(self, spec: EmbedderSpec) -> Generation:
        """The generation of this embedder and of today's schema, made empty where it is missing."""
        ...

    async def switch(self, generation: Generation) -> None:
        """Make it the current one, for every process. Raises GenerationGone where it does not exist."""
        ...

    async def drop(self, generation: Generation) -> None:
        """Delete it with all that it holds. Raises ValueError for the current one."""
        ...

    async def close(self) -> None: ...


def generation_of(spec: EmbedderSpec) -> Generation:
    return Generation(fields.collection(spec.version), spec.dimensions, spec)


def is_collection(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def described(name: str, dimensions: int, spec: Any) -> Generation:
    """As it was stored; `spec` is JSON or None. The first schema stored none: there was one embedder."""
    if spec is None and name.endswith(f"-{VERSION}"):
        return Generation(name, dimensions, EmbedderSpec())
    try:
        return Generation(name, dimensions, msgspec.convert(spec, EmbedderSpec))
    except msgspec.ValidationError:
        return Generation(name, dimensions, None)


def first_choice(names: Iterable[str], wanted: str) -> str:
    """Which one answers where nothing says so: the wanted one, or else what an earlier release left."""
    left = sorted(names, reverse=True)
    return wanted if wanted in left or not left else left[0]
