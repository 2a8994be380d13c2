"""Folders of the server: what changed, and nothing from outside of them."""

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from knowledge.gather import Folder, Found, GatherFailed, Globs, Mark


def gatherer(folder: Path, *, roots: list[Path] | None = None, **more: Any) -> Folder:
    defaults: dict[str, Any] = {
        "globs": Globs(),
        "max_bytes": 1024 * 1024,
        "known": {},
        "state": {},
        "kept": {},
    }
    return Folder(folder, roots or [folder], **defaults | more)


async def found_in(folder: Path, **more: Any) -> dict[str, Found]:
    return {one.path: one async for one in gatherer(folder, **more).gather()}


def marks(found: dict[str, Found]) -> dict[str, Mark]:
    return {path: Mark(one.etag, one.last_modified, one.sha256) for path, one in found.items()}


@pytest.fixture
def handbook(tmp_path: Path) -> Path:
    root = tmp_path / "handbook"
    (root / "travel").mkdir(parents=True)
    (root / "leave.md").write_text("# Leave")
    (root / "travel" / "hotels.md").write_text("# Hotels")
    (root / ".git").mkdir()
    (root / ".git" / "config").write_text("hidden")
    (root / "travel" / ".draft.md").write_text("hidden")
    return root


async def test_files_come_with_their_paths_and_hidden_ones_do_not(handbook: Path) -> None:
    found = await found_in(handbook)
    assert {path: one.data for path, one in found.items()} == {
        "leave.md": b"# Leave",
        "travel/hotels.md": b"# Hotels",
    }


@pytest.mark.proves("SOURCE-003")
async def test_what_has_not_changed_is_not_even_opened(handbook: Path) -> None:
    known = marks(await found_in(handbook))
    (handbook / "leave.md").write_text("# Leave, 28 days")
    os.utime(handbook / "travel" / "hotels.md")
    again = await found_in(handbook, known=known)
    assert again["leave.md"].outcome == "content"
    assert again["travel/hotels.md"].outcome == "unchanged"


@pytest.mark.proves("SOURCE-008")
async def test_no_link_leads_out_of_the_folder(handbook: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "salaries.md").write_text("secret")
    (handbook / "salaries.md").symlink_to(secret / "salaries.md")
    (handbook / "all").symlink_to(secret)
    (handbook / "loop").symlink_to(handbook)
    found = await found_in(handbook)
    assert found["salaries.md"].outcome == "skipped"
    assert b"secret" not in b"".join(one.data for one in found.values())
    assert not any(path.startswith(("all/", "loop/")) for path in found)


@pytest.mark.proves("SOURCE-008")
async def test_a_file_that_becomes_a_link_while_it_is_read_leads_nowhere(
    handbook: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret.md").write_text("secret")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "hotels.md").write_text("secret")
    found: list[Found] = []
    async for one in gatherer(handbook).gather():
        found.append(one)
        if one.path == "leave.md":
            (handbook / "travel").rename(tmp_path / "moved")
            (handbook / "travel").symlink_to(tmp_path / "inner")
    assert found[-1].path == "travel/hotels.md"
    assert found[-1].outcome == "failed"


@pytest.mark.proves("SOURCE-008")
@pytest.mark.parametrize("outside", ["..", "../other", "link", "missing"])
async def test_only_what_is_under_an_allowed_root_is_opened(
    handbook: Path, tmp_path: Path, outside: str
) -> None:
    (tmp_path / "other").mkdir()
    (handbook / "link").symlink_to(tmp_path / "other")
    with pytest.raises(GatherFailed) as failed:
        await found_in(handbook / outside, roots=[handbook])
    assert failed.value.code == "folder_missing"


async def test_pipes_sockets_and_large_files_are_told_and_not_read(handbook: Path) -> None:
    os.mkfifo(handbook / "pipe.md")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(handbook / "s"))
        (handbook / "large.md").write_bytes(bytes(2000))
        found = await found_in(handbook, max_bytes=1000)
    assert found["pipe.md"].outcome == "skipped"
    assert found["s"].outcome == "skipped"
    assert found["large.md"].code == "too_large"


async def test_the_mapping_file_speaks_for_its_folders(handbook: Path) -> None:
    mapping = handbook / "handbook.yaml"
    mapping.write_text("folders: {travel: {groups: [finance], doc_type: guide}}")
    first = await found_in(handbook)
    assert first["travel/hotels.md"].rules == {"groups": ["finance"], "doc_type": "guide"}
    assert first["leave.md"].rules == {}
    mapping.write_text("folders: {travel: {groups: [people]}}")
    again = await found_in(handbook, known=marks(first))
    assert again["travel/hotels.md"].outcome == "content"
    assert again["leave.md"].outcome == "unchanged"


# Each line doubles the one before: written out, more than any memory holds.
BOMB = "folders:\n  docs:\n    a0: &a0 [x, x]\n" + "".join(
    f"    a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40)
)


@pytest.mark.proves("SOURCE-009")
@pytest.mark.parametrize("text", ["folders: [", "folders: 3", "[]", "folders: {a: 3}", "\xff", BOMB])
async def test_nothing_is_read_where_the_mapping_cannot_be_understood(handbook: Path, text: str) -> None:
    (handbook / "handbook.yaml").write_bytes(text.encode("latin-1"))
    with pytest.raises(GatherFailed) as failed:
        await found_in(handbook)
    assert failed.value.code == "bad_mapping"


@pytest.mark.proves("SOURCE-009")
async def test_nothing_is_read_where_the_mapping_has_vanished(handbook: Path) -> None:
    with pytest.raises(GatherFailed) as failed:
        await found_in(handbook, kept={"mapping": True})
    assert failed.value.code == "mapping_gone"


@pytest.mark.proves("SOURCE-007")
async def test_it_goes_on_after_the_last_file_that_was_seen(handbook: Path) -> None:
    first = gatherer(handbook)
    async for one in first.gather():
        assert one.path == "leave.md"
        break
    rest = await found_in(handbook, state=first.state())
    assert list(rest) == ["travel/hotels.md"]


async def test_globs_choose(handbook: Path) -> None:
    assert list(await found_in(handbook, globs=Globs(include=("travel/*",)))) == ["travel/hotels.md"]
    assert list(await found_in(handbook, globs=Globs(exclude=("travel/*",)))) == ["leave.md"]
