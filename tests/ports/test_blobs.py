"""The contract of every blob store, run over each one that we ship."""

import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ports.blobs import BadKey, BlobMissing, Blobs, FolderBlobs


@pytest.fixture(params=["folder"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    return {"folder": FolderBlobs}[request.param](tmp_path / "blobs")


async def test_what_was_put_is_got(blobs: Blobs) -> None:
    await blobs.put("org/doc/1", b"\x00\xffbytes")
    assert await blobs.get("org/doc/1") == b"\x00\xffbytes"


async def test_a_second_put_replaces(blobs: Blobs) -> None:
    await blobs.put("doc", b"a long first version")
    await blobs.put("doc", b"second")
    assert await blobs.get("doc") == b"second"


async def test_an_empty_file_is_a_file(blobs: Blobs) -> None:
    await blobs.put("doc", b"")
    assert await blobs.get("doc") == b""


async def test_what_is_not_there_is_missing(blobs: Blobs) -> None:
    await blobs.put("doc/1", b"x")
    for key in ("nothing", "doc", "doc/1/below", "doc/2"):
        with pytest.raises(BlobMissing):
            await blobs.get(key)


async def test_deleting_twice_is_no_error(blobs: Blobs) -> None:
    await blobs.put("doc/1", b"x")
    await blobs.delete("doc/1")
    await blobs.delete("doc/1")
    await blobs.delete("doc/1/below")
    with pytest.raises(BlobMissing):
        await blobs.get("doc/1")


BAD_KEYS = [
    "",
    "/etc/passwd",
    "../out",
    "a/../b",
    "a//b",
    "a/",
    ".hidden",
    "a/.b",
    "a b",
    "ü",
    "a\x00b",
    "a\nb",
]


@pytest.mark.parametrize("key", [*BAD_KEYS, "a" * 129, "/".join("abcdefghi"), "a\n", "a\nb", "\\windows"])
async def test_a_key_cannot_leave_the_store(blobs: Blobs, key: str) -> None:
    with pytest.raises(BadKey):
        await blobs.put(key, b"x")
    with pytest.raises(BadKey):
        await blobs.get(key)
    with pytest.raises(BadKey):
        await blobs.delete(key)


@given(key=st.text(alphabet="ab./\\\x00-~", min_size=1, max_size=12))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_the_key_nothing_is_written_outside(tmp_path: Path, key: str) -> None:
    outside, root = tmp_path / "outside", tmp_path / "outside/in/blobs"
    store = FolderBlobs(root)
    try:
        await store.put(key, b"x")
    except BadKey:
        pass
    except (FileExistsError, IsADirectoryError, NotADirectoryError):
        # An earlier key of this run is a part of this one's path.
        pass
    strangers = [path for path in outside.rglob("*") if path.is_file() and root not in path.parents]
    assert strangers == []


async def test_a_folder_store_keeps_files_for_its_user_only(tmp_path: Path) -> None:
    await FolderBlobs(tmp_path / "blobs").put("org/doc", b"x")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "blobs").rglob("*")}
    assert modes == {"org": 0o700, "doc": 0o600}


async def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    store = FolderBlobs(tmp_path / "blobs")
    await store.put("doc/1", b"x")
    with pytest.raises(IsADirectoryError):
        await store.put("doc", b"a folder is in the way")
    assert await store.get("doc/1") == b"x"
    assert [path.name for path in (tmp_path / "blobs").rglob("*")] == ["doc", "1"]


async def test_what_is_stored_is_listed_below_its_prefix(blobs: Blobs) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    for key in ("originals/org/1", "originals/org/2", "read/org/1", "originals-of-others/1"):
        await blobs.put(key, b"12345")
    found = {stored.key: stored async for stored in blobs.list("originals")}
    assert set(found) == {"originals/org/1", "originals/org/2"}
    assert {stored.size for stored in found.values()} == {5}
    assert all(
        before < stored.changed_at < datetime.now(UTC) + timedelta(seconds=2) for stored in found.values()
    )
    assert [stored async for stored in blobs.list("nothing")] == []
    with pytest.raises(BadKey):
        _ = [stored async for stored in blobs.list("../outside")]


async def test_what_a_crash_left_of_a_write_is_no_file_and_goes_in_time(tmp_path: Path) -> None:
    store = FolderBlobs(tmp_path / "blobs")
    await store.put("doc/1", b"x")
    fresh, old = (tmp_path / "blobs/doc" / name for name in (".being-written", ".abandoned"))
    fresh.write_bytes(b"ha")
    old.write_bytes(b"ha")
    os.utime(old, (0, 0))
    assert [stored.key async for stored in store.list("doc")] == ["doc/1"]
    assert fresh.exists()
    assert not old.exists()
