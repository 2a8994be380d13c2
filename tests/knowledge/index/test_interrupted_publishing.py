"""Publishing that stops after any of its steps, and the embedded engine under kill -9."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from access.keys import AccessKeys
from knowledge.index import Index, IndexFilter, IndexInUse
from knowledge.index.edge import open_edge
from knowledge.index.stored import StoredIndex
from tests.knowledge.index.samples import DIMENSIONS, document, texts_found

STAFF = AccessKeys(["o:1"])
OLD = ["shared words", *(f"old words {number}" for number in range(40))]
NEW = ["shared words", *(f"new words {number}" for number in range(40))]


class Interrupted(Exception):
    pass


class _StopsAfter:
    """A store whose owner dies after so many writes."""

    def __init__(self, store: Any, writes: int) -> None:
        self._store = store
        self._left = writes

    def __getattr__(self, name: str) -> Any:
        step = getattr(self._store, name)
        if name not in ("insert", "refresh", "reveal", "delete"):
            return step

        async def counted(*args: Any) -> None:
            if self._left == 0:
                raise Interrupted(name)
            self._left -= 1
            await step(*args)

        return counted


@pytest.fixture
async def index(tmp_path: Path) -> AsyncIterator[StoredIndex]:
    opened = open_edge(tmp_path, "test", DIMENSIONS)
    assert isinstance(opened, StoredIndex)
    yield opened
    await opened.close()


async def _interrupted(index: StoredIndex, doc: UUID, texts: list[str], after: int) -> bool:
    """Whether the new owner died on the way."""
    dying = StoredIndex(_StopsAfter(index._store, after))  # type: ignore[arg-type] # stands in for a store
    try:
        await dying.publish(doc, document(doc, texts), STAFF)
    except Interrupted:
        return True
    return False


async def _seen(index: Index) -> set[str]:
    hits = await index.search(STAFF, IndexFilter(), vector=None, text="words", limit=200)
    return {hit.stored.chunk.text for hit in hits}


@pytest.mark.proves("INDEX-002")
async def test_a_first_version_is_seen_whole_or_not_at_all(index: StoredIndex) -> None:
    steps = 0
    died = True
    while died:
        doc = uuid4()
        died = await _interrupted(index, doc, OLD, steps)
        assert await _seen(index) == (set() if died else set(OLD))
        # Sharing it meanwhile must not reveal what is not yet published.
        await index.set_access(doc, STAFF)
        assert await _seen(index) == (set() if died else set(OLD))
        await index.publish(doc, document(doc, OLD), STAFF)
        assert await _seen(index) == set(OLD)
        await index.remove(doc)
        steps += 1
    assert steps == 4  # it died before each of two batches of writes and one reveal


@pytest.mark.proves("INDEX-002")
async def test_a_new_version_never_hides_what_was_there_before_it_is_whole(index: StoredIndex) -> None:
    steps = 0
    died = True
    while died:
        doc = uuid4()
        await index.publish(doc, document(doc, OLD), STAFF)
        died = await _interrupted(index, doc, NEW, steps)
        seen = await _seen(index)
        # Until the new one is whole, the old one is; between reveal and clean-up there are both.
        assert seen in (set(OLD), set(OLD) | set(NEW), set(NEW))
        await index.publish(doc, document(doc, NEW), STAFF)
        assert await _seen(index) == set(NEW)
        await index.remove(doc)
        steps += 1
    assert steps == 6


async def test_a_caller_that_gives_up_breaks_nothing(index: StoredIndex) -> None:
    doc = uuid4()
    task = asyncio.create_task(index.publish(doc, document(doc, OLD), STAFF))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await index.publish(doc, document(doc, OLD), STAFF)
    assert await _seen(index) == set(OLD)


@pytest.mark.proves("INDEX-003")
def test_a_second_owner_is_refused_and_told_what_to_do(tmp_path: Path) -> None:
    first = open_edge(tmp_path, "test", DIMENSIONS)
    with pytest.raises(IndexInUse) as refused:
        open_edge(tmp_path, "test", DIMENSIONS)
    assert "switchboard index" in refused.value.hint
    asyncio.run(first.close())
    asyncio.run(open_edge(tmp_path, "test", DIMENSIONS).close())


_PUBLISHER = """
import asyncio, sys
from pathlib import Path
from uuid import UUID
from access.keys import AccessKeys
from knowledge.index.edge import open_edge
from tests.knowledge.index.samples import DIMENSIONS, document

async def main():
    index = open_edge(Path(sys.argv[1]), "test", DIMENSIONS)
    for number in range(10_000):
        doc = UUID(int=number + 1)
        chunks = document(doc, [f"words {number} {at}" for at in range(3)])
        await index.publish(doc, chunks, AccessKeys(["o:1"]))
        print(number, flush=True)

asyncio.run(main())
"""


@pytest.mark.proves("INDEX-003")
def test_what_was_published_survives_kill_9_and_the_next_owner_opens_it(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _PUBLISHER, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    ) as child:
        assert child.stdout is not None
        published = [int(child.stdout.readline()) for _ in range(50)]
        with pytest.raises(IndexInUse):
            open_edge(tmp_path, "test", DIMENSIONS)
        child.send_signal(signal.SIGKILL)
        published += [int(line) for line in child.stdout.read().split()]

    asyncio.run(_check_published(tmp_path, published))


async def _check_published(folder: Path, published: list[int]) -> None:
    index = open_edge(folder, "test", DIMENSIONS)
    for number in published:
        found = await texts_found(index, STAFF, f"words {number} 0 1 2")
        assert {f"words {number} {at}" for at in range(3)} <= found
    # What was under way is there whole or not at all.
    hits = await index.search(STAFF, IndexFilter(), vector=None, text="words", limit=100_000)
    assert len(hits) % 3 == 0
    await index.close()
