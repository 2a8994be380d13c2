"""The index in another process: `switchboard index` and its callers."""

import asyncio
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from access.keys import AccessKeys
from knowledge.embed.weights import WIDTH
from knowledge.index import IndexedChunk, IndexFilter, IndexInUse, IndexUnavailable
from knowledge.index.edge import open_edge
from knowledge.index.remote import connect_remote
from knowledge.index.serving import serving
from tests.knowledge.index.samples import DIMENSIONS, chunk, document, facts, texts_found

STAFF = AccessKeys(["o:1"])


@contextmanager
def index_process(folder: Path, socket: Path) -> Iterator[subprocess.Popen[str]]:
    code = "import sys; from pathlib import Path; from launch.index import run; run(*map(Path, sys.argv[1:]))"
    command = [sys.executable, "-c", code, str(folder), str(socket)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]) as child:
        assert child.stdout is not None
        assert "ready" in child.stdout.readline()
        yield child
        child.send_signal(signal.SIGTERM)
        assert child.wait(20) in (0, -signal.SIGKILL)


@pytest.mark.proves("INDEX-003")
async def test_several_processes_share_one_index_and_find_it_again_after_a_kill(tmp_path: Path) -> None:
    socket, folder, doc = tmp_path / "s", tmp_path / "index", uuid4()
    published = IndexedChunk(chunk(doc, "annual leave"), facts(doc), [1.0] + [0.0] * (WIDTH - 1))
    index = connect_remote(socket)
    with index_process(folder, socket) as child:
        await index.publish(doc, [published], STAFF)
        with pytest.raises(IndexInUse):
            open_edge(folder, "test", WIDTH)
        child.kill()
        child.wait()
    with pytest.raises(IndexUnavailable, match="does not answer"):
        await index.known(doc)

    with index_process(folder, socket):
        hits = await index.search(STAFF, IndexFilter(), vector=None, text="leave", limit=5)
        assert [hit.stored.chunk for hit in hits] == [published.chunk]
    await index.close()
    assert not socket.exists()


async def test_the_socket_is_for_this_user_only(tmp_path: Path) -> None:
    index = open_edge(tmp_path / "index", "test", DIMENSIONS)
    async with serving(index, tmp_path / "run" / "s"):
        assert stat.S_IMODE(os.stat(tmp_path / "run" / "s").st_mode) == 0o600
        assert stat.S_IMODE(os.stat(tmp_path / "run").st_mode) == 0o700
    await index.close()


async def test_a_broken_frame_ends_its_own_connection_only(tmp_path: Path) -> None:
    index = open_edge(tmp_path / "index", "test", DIMENSIONS)
    async with serving(index, tmp_path / "s"):
        remote = connect_remote(tmp_path / "s")
        doc = uuid4()
        await remote.publish(doc, document(doc, ["words"]), STAFF)
        for broken in (b"\xff\xff\xff\xff", b"\x00\x00\x00\x03abc", b"\x00"):
            reader, writer = await asyncio.open_unix_connection(str(tmp_path / "s"))
            writer.write(broken)
            writer.write_eof()
            assert await reader.read() == b""
            writer.close()
            await writer.wait_closed()
        assert await texts_found(remote, STAFF, "words") == {"words"}
        await remote.close()
    await index.close()


async def test_calls_under_way_fail_at_once_where_the_owner_goes(tmp_path: Path) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()

    server = await asyncio.start_unix_server(silent, str(tmp_path / "s"))
    remote = connect_remote(tmp_path / "s")
    answers = await asyncio.gather(*(remote.known(uuid4()) for _ in range(5)), return_exceptions=True)
    assert all(isinstance(answer, IndexUnavailable) for answer in answers)
    await remote.close()
    server.close()
    await server.wait_closed()


async def test_no_owner_is_an_error_that_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(IndexUnavailable) as failed:
        await connect_remote(tmp_path / "nothing").known(uuid4())
    assert "switchboard index" in failed.value.hint
