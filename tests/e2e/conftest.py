"""The whole product as a user starts it: `switchboard up` in a process of its own, with the handbook."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from switchboard_sdk import Switchboard
from switchboard_sdk.folders import FolderUpload, files_in, rules_of

from launch.child import Running, running

HANDBOOK = Path("examples/handbook")


@dataclass(frozen=True, slots=True)
class Place:
    """A running platform; `as_person` signs a dev person in."""

    started: Running

    @property
    def url(self) -> str:
        return self.started.base_url

    @asynccontextmanager
    async def as_person(self, name: str) -> AsyncIterator[Switchboard]:
        async with Switchboard(self.url) as switchboard:
            await switchboard.sign_in_dev(name)
            yield switchboard

    async def key_of(self, name: str) -> str:
        async with self.as_person(name) as switchboard:
            return (await switchboard.api_keys.create("test", expires_in_days=1)).key

    async def load_handbook(self, folder: str = "") -> dict[str, int]:
        """status → number of files, when all have been read; of one folder of it only, if told so."""
        async with self.as_person("ada") as ada:
            bases = [one async for one in ada.knowledge_bases.all() if one.owner_type == "org"]
            upload = FolderUpload(ada, bases[0].id, lambda _: None)
            files = [one for one in files_in(HANDBOOK) if one.name.startswith(folder)]
            results = await upload.run(files, rules_of(HANDBOOK))
        counts: dict[str, int] = {}
        for result in results:
            counts[result.status] = counts.get(result.status, 0) + 1
        return counts


@contextmanager
def data_folder() -> Iterator[Path]:
    """In memory where the machine allows: these tests are not about the disk."""
    shared = Path("/dev/shm")
    with TemporaryDirectory(prefix="sb-e2e-", dir=shared if os.access(shared, os.W_OK) else None) as folder:
        yield Path(folder) / "data"


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """One platform for the tests of a module; they read, and add only things of their own."""
    with data_folder() as data, asyncio.Runner() as runner:
        opened = running(data)
        started = runner.run(opened.__aenter__())
        try:
            here = Place(started)
            counts = runner.run(here.load_handbook())
            assert counts == {"ready": sum(counts.values())}, counts
            yield here
        finally:
            runner.run(opened.__aexit__(None, None, None))
