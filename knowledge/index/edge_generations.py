"""Generations in one folder: a shard each, what describes it beside it, and a file that names the current.

`chunks-v3-x/` the shard · `chunks-v3-x.json` its embedder · `current` the name · `owner.lock`.
"""

import asyncio
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
import structlog

from kit.files import write_whole
from knowledge.embed.spec import EmbedderSpec
from knowledge.index import fields
from knowledge.index.edge import EdgeStore, create_shard, load_shard, own
from knowledge.index.generation import Generation, described, first_choice, generation_of, is_collection
from knowledge.index.port import GenerationGone, Index
from knowledge.index.stored import StoredIndex

_GOING = ".going"
_DRAFT = ".draft"
_log = structlog.get_logger()


def open_generations(folder: Path, spec: EmbedderSpec) -> "EdgeGenerations":
    """The index in this folder, which this process owns until `close`.

    spec: the embedder of the first generation where the folder has none yet; one that is there stays
    current, whoever made it, until another is built. Raises IndexInUse where someone else owns the folder.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = own(folder / "owner.lock")
    try:
        _clear(folder)
        return EdgeGenerations(folder, lock, spec)
    except BaseException:
        os.close(lock)
        raise


class EdgeGenerations:
    """`Generations` over a folder. Made by `open_generations`."""

    def __init__(self, folder: Path, lock: int, spec: EmbedderSpec) -> None:
        self._folder = folder
        self._lock = lock
        self._made: dict[str, Generation] = {}
        self._open: dict[str, StoredIndex] = {}
        names = _collections(folder)
        self._current = _named(folder) or first_choice(names, generation_of(spec).name)
        if self._current not in names:
            _create(folder, generation_of(spec))
        for name in {*names, self._current}:
            self._load(name)
        _name(folder, self._current)
        self._writing = asyncio.Lock()

    async def current(self) -> Generation:
        return self._made[self._current]

    async def all(self) -> Sequence[Generation]:
        others = (made for name, made in self._made.items() if name != self._current)
        return [self._made[self._current], *others]

    async def index(self, generation: Generation) -> Index:
        found = self._open.get(generation.name)
        if found is None:
            raise GenerationGone(f"There is no generation {generation.name}.")
        return found

    async def build(self, spec: EmbedderSpec) -> Generation:
        wanted = generation_of(spec)
        async with self._writing:
            if wanted.name not in self._made:
                await asyncio.to_thread(_create, self._folder, wanted)
                await asyncio.to_thread(self._load, wanted.name)
        return self._made[wanted.name]

    async def switch(self, generation: Generation) -> None:
        async with self._writing:
            if generation.name not in self._made:
                raise GenerationGone(f"There is no generation {generation.name}.")
            _name(self._folder, generation.name)
            self._current = generation.name
        _log.info("index.switched", generation=generation.name)

    async def drop(self, generation: Generation) -> None:
        async with self._writing:
            if generation.name == self._current:
                raise ValueError("The current generation cannot be dropped.")
            found = self._open.pop(generation.name, None)
            self._made.pop(generation.name, None)
            if found:
                await found.close()
            await asyncio.to_thread(_delete, self._folder, generation.name)
        _log.info("index.dropped", generation=generation.name)

    async def close(self) -> None:
        for index in self._open.values():
            await index.close()
        if self._open:
            self._open.clear()
            os.close(self._lock)

    def _load(self, name: str) -> None:
        shard = load_shard(self._folder / name)
        made = _described(self._folder, name)
        self._open[name] = StoredIndex(EdgeStore(shard), made.embedder)
        self._made[name] = made


def _collections(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.is_dir() and is_collection(path.name)]


def _named(folder: Path) -> str:
    """The current one; "" where nothing says so, or where it is not there."""
    with suppress(FileNotFoundError):
        name = (folder / "current").read_text().strip()
        return name if (folder / name).is_dir() and is_collection(name) else ""
    return ""


def _name(folder: Path, name: str) -> None:
    write_whole(folder / "current", name.encode())


def _create(folder: Path, generation: Generation) -> None:
    # First what describes it: a collection without it is one of the first schema.
    if generation.spec:
        write_whole(folder / f"{generation.name}.json", msgspec.json.encode(generation.spec))
    create_shard(folder / generation.name, generation.dimensions)


def _described(folder: Path, name: str) -> Generation:
    config = msgspec.json.decode((folder / name / "edge_config.json").read_bytes())
    dimensions = config["vectors"][fields.DENSE]["size"]
    spec = None
    with suppress(FileNotFoundError, msgspec.DecodeError):
        spec = msgspec.json.decode((folder / f"{name}.json").read_bytes())
    return described(name, dimensions, spec)


def _delete(folder: Path, name: str) -> None:
    """Renamed first, so that there is never half a collection under its name."""
    going = folder / f"{name}{_GOING}"
    with suppress(FileNotFoundError):
        (folder / name).rename(going)
    (folder / f"{name}.json").unlink(missing_ok=True)
    shutil.rmtree(going, ignore_errors=True)


def _clear(folder: Path) -> None:
    """What a killed owner had not finished making or deleting."""
    for path in folder.iterdir():
        if path.is_dir() and path.name.endswith((_GOING, _DRAFT)):
            shutil.rmtree(path, ignore_errors=True)
