"""Git trees: here and behind HTTP, one commit at a time."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from dulwich import porcelain
from dulwich.objects import Blob, Tree
from dulwich.repo import Repo
from dulwich.server import DictBackend
from dulwich.web import make_wsgi_chain

from knowledge.gather import Found, GatherFailed, Globs, Mark
from knowledge.gather.git import (
    GitTree,
    LocalRepository,
    RemoteRepository,
    Repository,
    guessed_template,
    web_address,
)
from ports.http import Fetcher, Guard, OutboundSettings
from tests.loopback import listening

WHO = b"Ada <ada@example.com>"


@pytest.fixture
def handbook(tmp_path: Path) -> Path:
    root = tmp_path / "handbook"
    root.mkdir()
    porcelain.init(root)
    commit(root, {"leave.md": "# Leave", "docs/travel.md": "# Travel", "docs/deep/hotels.md": "# Hotels"})
    return root


def commit(root: Path, files: dict[str, str | None]) -> str:
    """Files by path; None removes one."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            path.unlink()
        else:
            path.write_text(text)
    with Repo(str(root)) as repo:
        repo.get_worktree().stage(list(files))
        made = repo.get_worktree().commit(message=b"change", author=WHO, committer=WHO, sign=False)
    return made.decode()


def tree(repository: Repository, **more: Any) -> GitTree:
    defaults: dict[str, Any] = {
        "branch": "",
        "folder": "",
        "web_view": "",
        "globs": Globs(),
        "max_bytes": 1024 * 1024,
        "known": {},
        "state": {},
        "kept": {},
    }
    return GitTree(repository, **defaults | more)


async def found_in(repository: Repository, **more: Any) -> dict[str, Found]:
    return {one.path: one async for one in tree(repository, **more).gather()}


def marks(found: dict[str, Found]) -> dict[str, Mark]:
    return {path: Mark(one.etag, one.last_modified, one.sha256) for path, one in found.items()}


async def test_the_files_of_the_newest_commit_are_found(handbook: Path) -> None:
    (handbook / "not-committed.md").write_text("draft")
    found = await found_in(LocalRepository(handbook, [handbook]))
    assert {path: one.data for path, one in found.items()} == {
        "docs/deep/hotels.md": b"# Hotels",
        "docs/travel.md": b"# Travel",
        "leave.md": b"# Leave",
    }


@pytest.mark.proves("SOURCE-003")
async def test_only_files_that_changed_since_the_last_commit_are_read(handbook: Path) -> None:
    known = marks(await found_in(LocalRepository(handbook, [handbook])))
    commit(handbook, {"docs/travel.md": "# Travel by train", "leave.md": None, "new.md": "# New"})
    again = await found_in(LocalRepository(handbook, [handbook]), known=known)
    assert {path: one.outcome for path, one in again.items()} == {
        "docs/deep/hotels.md": "unchanged",
        "docs/travel.md": "content",
        "new.md": "content",
    }


async def test_a_branch_and_a_folder_can_be_chosen_and_lead_to_the_web_view(handbook: Path) -> None:
    porcelain.branch_create(handbook, "next")
    found = await found_in(
        LocalRepository(handbook, [handbook]),
        branch="next",
        folder="docs/",
        web_view="https://git.example.com/handbook/blob/{branch}/{path}",
    )
    assert {path: one.url for path, one in found.items()} == {
        "deep/hotels.md": "https://git.example.com/handbook/blob/next/docs/deep/hotels.md",
        "travel.md": "https://git.example.com/handbook/blob/next/docs/travel.md",
    }
    for more in ({"branch": "gone"}, {"folder": "gone"}):
        with pytest.raises(GatherFailed):
            await found_in(LocalRepository(handbook, [handbook]), **more)


@pytest.mark.proves("SOURCE-008")
async def test_links_submodules_and_hidden_files_are_left_out(handbook: Path) -> None:
    (handbook / "passwd.md").symlink_to("/etc/passwd")
    (handbook / ".hidden.md").write_text("hidden")
    with Repo(str(handbook)) as repo:
        repo.get_worktree().stage(["passwd.md", ".hidden.md"])
        repo.get_worktree().commit(message=b"links", author=WHO, committer=WHO, sign=False)
    assert sorted(await found_in(LocalRepository(handbook, [handbook]))) == [
        "docs/deep/hotels.md",
        "docs/travel.md",
        "leave.md",
    ]


@pytest.mark.proves("SOURCE-008")
async def test_a_repository_that_borrows_from_elsewhere_is_refused(handbook: Path, tmp_path: Path) -> None:
    pointer = tmp_path / "pointer"
    pointer.mkdir()
    (pointer / ".git").write_text(f"gitdir: {handbook / '.git'}")
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / ".git").symlink_to(handbook / ".git")
    borrowing = tmp_path / "borrowing"
    porcelain.init(str(borrowing), bare=True)
    (borrowing / "objects" / "info").mkdir(exist_ok=True)
    (borrowing / "objects" / "info" / "alternates").write_text(str(handbook / ".git" / "objects"))
    for path in (pointer, linked, borrowing):
        with pytest.raises(GatherFailed) as failed:
            await found_in(LocalRepository(path, [tmp_path]))
        assert failed.value.code == "no_repository"
    with pytest.raises(GatherFailed) as failed:
        await found_in(LocalRepository(handbook, [tmp_path / "pointer"]))
    assert failed.value.code == "folder_missing"


@pytest.mark.proves("SOURCE-006")
async def test_a_tree_that_unfolds_without_end_is_left(
    handbook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("knowledge.gather.git.tree.MOST_FILES", 2000)
    with Repo(str(handbook)) as repo:
        blob = Blob.from_string(b"x")
        repo.object_store.add_object(blob)
        below, mode = blob.id, 0o100644
        for _ in range(8):
            folder = Tree()
            for number in range(10):
                folder.add(b"f%d" % number, mode, below)
            repo.object_store.add_object(folder)
            below, mode = folder.id, 0o40000
        repo.get_worktree().commit(message=b"bomb", author=WHO, committer=WHO, sign=False, tree=below)
    with pytest.raises(GatherFailed) as failed:
        await found_in(LocalRepository(handbook, [handbook]))
    assert failed.value.code == "too_many_files"


@pytest.mark.proves("SOURCE-007")
async def test_it_goes_on_after_the_last_file_unless_the_branch_moved(handbook: Path) -> None:
    first = tree(LocalRepository(handbook, [handbook]))
    async for _ in first.gather():
        break
    assert list(await found_in(LocalRepository(handbook, [handbook]), state=first.state())) == [
        "docs/travel.md",
        "leave.md",
    ]
    commit(handbook, {"a.md": "# A"})
    assert len(await found_in(LocalRepository(handbook, [handbook]), state=first.state())) == 4


# --- behind HTTP: dulwich's own smart server, in a thread of this process


@asynccontextmanager
async def served(root: Path) -> AsyncIterator[tuple[str, Guard, list[str]]]:
    """(address, guard that lets it be opened, what was asked for)."""
    asked: list[str] = []
    app = make_wsgi_chain(DictBackend({"/handbook.git": Repo(str(root))}))

    async def answer(request: web.Request) -> web.Response:
        asked.append(f"{request.method} {request.path_qs}")
        return await asyncio.to_thread(_through_wsgi, app, request, await request.read())

    server = web.Application(client_max_size=2**26)
    server.router.add_route("*", "/{path:.*}", answer)
    async with listening(server) as address:
        host = f"git.test:{address.rpartition(':')[2]}"

        async def resolve(name: str, port: int) -> list[str]:
            return ["127.0.0.1"] if name == "git.test" else ["10.0.0.1"]

        yield f"http://{host}/handbook.git", Guard(OutboundSettings(allowed_hosts=[host]), resolve), asked


def _through_wsgi(app: Any, request: web.Request, body: bytes) -> web.Response:
    said: dict[str, Any] = {}

    def start(status: str, headers: list[tuple[str, str]], error: Any = None) -> Any:
        said.update(status=int(status.split(maxsplit=1)[0]), headers=headers)
        return lambda data: None

    written = BytesIO()

    def start_and_write(status: str, headers: list[tuple[str, str]], error: Any = None) -> Any:
        start(status, headers)
        return written.write

    environ = {
        "REQUEST_METHOD": request.method,
        "PATH_INFO": request.path,
        "QUERY_STRING": request.query_string,
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": BytesIO(body),
        "HTTP_GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
    }
    parts = b"".join(app(environ, start_and_write))
    return web.Response(status=said["status"], body=written.getvalue() + parts, headers=dict(said["headers"]))


@pytest.mark.proves("SOURCE-003")
async def test_a_repository_behind_http_is_fetched_only_when_its_branch_moved(handbook: Path) -> None:
    async with served(handbook) as (url, guard, asked), Fetcher(guard, "test") as fetcher:
        remote = RemoteRepository(fetcher, url, may_follow=lambda _: False)
        first = tree(remote)
        found = {one.path: one async for one in first.gather()}
        assert found["leave.md"].data == b"# Leave"
        assert any(one.startswith("POST") for one in asked)

        asked.clear()
        same = await found_in(remote, known=marks(found), kept=first.kept())
        assert {one.outcome for one in same.values()} == {"unchanged"}
        assert not any(one.startswith("POST") for one in asked)

        commit(handbook, {"leave.md": "# Leave, 28 days"})
        moved = await found_in(remote, known=marks(found), kept=first.kept())
        assert {path for path, one in moved.items() if one.outcome == "content"} == {"leave.md"}


@pytest.mark.proves("SSRF-001")
async def test_a_repository_inside_the_network_is_not_asked(handbook: Path) -> None:
    async with served(handbook) as (_, guard, _asked), Fetcher(guard, "test") as fetcher:
        for url in ("http://inside.test/handbook.git", "http://169.254.169.254/handbook.git"):
            with pytest.raises(GatherFailed) as failed:
                await found_in(RemoteRepository(fetcher, url, may_follow=lambda _: False))
            assert failed.value.code == "address_refused"


async def test_an_address_without_a_repository_says_so(handbook: Path) -> None:
    async with served(handbook) as (url, guard, _), Fetcher(guard, "test") as fetcher:
        remote = RemoteRepository(fetcher, url.replace("handbook", "other"), may_follow=lambda _: False)
        with pytest.raises(GatherFailed) as failed:
            await found_in(remote)
        assert failed.value.lasting


def test_well_known_hosts_have_a_web_view() -> None:
    template = guessed_template("https://github.com/acme/handbook.git")
    address = web_address(template, branch="main", commit="c", path="a b/c.md")
    assert address == "https://github.com/acme/handbook/blob/main/a%20b/c.md"
    assert guessed_template("https://git.example.com/handbook") == ""


def test_git_itself_reads_what_we_made(handbook: Path) -> None:
    """The tests' repository is a real one."""
    listed = subprocess.run(
        ["git", "-C", str(handbook), "ls-tree", "-r", "--name-only", "HEAD"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "leave.md" in listed.stdout.split()
