"""switchboard docs add PATH… | list | rm, and the verbs of changes, jobs and sources"""

import time
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from switchboard_sdk import Switchboard
from switchboard_sdk.folders import BadMapping, FileResult, FolderUpload, files_in, rules_of
from switchboard_sdk.folders import Progress as UploadProgress

from bot.console.plain import one_line
from kit.wire.library import Document, KnowledgeBase
from launch.cli import changes, jobs, sources
from launch.cli.connect import FAILED, Access, Work, asks, connected

NOT_READ = ("refused", "failed")
Base = Annotated[
    str, typer.Option("--to", "--in", help="A knowledge base: its name or id, 'org', or 'personal'.")
]
Everywhere = Annotated[bool, typer.Option("--everywhere", help="In all knowledge bases.")]
Shared = Annotated[bool, typer.Option("--shared", help="What others have shared with you.")]
Paths = Annotated[list[Path], typer.Argument(exists=True, help="Files or folders.")]


def command(app: typer.Typer) -> None:
    docs = typer.Typer(help="Add, list and remove documents.", no_args_is_help=True)
    app.add_typer(docs, name="docs")
    changes.command(docs, find_base)  # docs share, unshare, shares, mv, edit, versions, restore
    jobs.command(docs)  # docs jobs, cancel, retry, failed, replay, reconcile
    sources.command(docs, find_base)  # docs crawl, docs sources …

    @docs.command(help="Add files and folders; what has not changed is skipped.")
    @asks("maya")
    def add(access: Access, paths: Paths, base: Base = "personal") -> Work:
        return _add(paths, base, access)

    @docs.command("list", help="The documents of a knowledge base that you can see.")
    @asks("maya")
    def show(
        access: Access, base: Base = "personal", everywhere: Everywhere = False, shared: Shared = False
    ) -> Work:
        where = "shared" if shared else "everywhere" if everywhere else base
        return _list(where, access)

    @docs.command("rm", help="Remove documents by id.")
    @asks("maya")
    def remove(access: Access, ids: list[UUID]) -> Work:
        return _remove(ids, access)


async def _add(paths: list[Path], base: str, access: Access) -> int:
    console = Console()
    async with connected(access) as switchboard:
        knowledge_base = await find_base(switchboard, base)
        results = [
            result
            for path in paths
            for result in await add_path(switchboard, knowledge_base.id, path, console)
        ]
    return FAILED if any(result.status in NOT_READ for result in results) else 0


async def add_path(switchboard: Switchboard, base_id: UUID, path: Path, console: Console) -> list[FileResult]:
    """Uploads a file or folder with a progress bar, then says what became of it. Raises ApiError."""
    files, begun = files_in(path), time.monotonic()
    try:
        rules = rules_of(path)
    except BadMapping as error:
        raise typer.BadParameter(str(error)) from error
    with progress_bar(console, len(files)) as show:
        results = await FolderUpload(switchboard, base_id, show).run(files, rules)
    report(console, results, time.monotonic() - begun)
    return results


@contextmanager
def progress_bar(console: Console, total: int) -> Generator[Callable[[UploadProgress], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("sending", total=total)

        def show(progress: UploadProgress) -> None:
            sending = progress.sent < progress.total
            stage = "sending" if sending else escape(one_line(progress.stage)) or "reading"
            bar.update(task, description=stage, completed=progress.sent if sending else progress.done)

        yield show


def report(console: Console, results: list[FileResult], seconds: float) -> None:
    """One line of counts, and one for each file that could not be read, with the reason."""
    counts: dict[str, int] = {}
    for result in results:
        counts[result.status] = counts.get(result.status, 0) + 1
    said = ", ".join(f"{count} {status}" for status, count in sorted(counts.items())) or "no documents found"
    console.print(f"{len(results)} files in {seconds:.1f} s: {said}", highlight=False)
    for result in results:
        if result.status in NOT_READ:
            console.print(f"  {result.name}: {one_line(result.reason)}", markup=False, highlight=False)


async def find_base(switchboard: Switchboard, wanted: str) -> KnowledgeBase:
    """By id or name; 'org' is the organisation's, 'personal' the caller's own, made if there is none."""
    bases = [base async for base in switchboard.knowledge_bases.all()]
    kind = {"org": "org", "personal": "user"}.get(wanted)
    for base in bases:
        if base.owner_type == kind or wanted in (str(base.id), base.name):
            return base
    if kind == "user":
        return await switchboard.knowledge_bases.create("My documents")
    names = ", ".join(base.name for base in bases) or "none"
    raise typer.BadParameter(f"There is no knowledge base {wanted!r} that you can see. There are: {names}.")


async def _listed(switchboard: Switchboard, where: str) -> AsyncIterator[Document]:
    if where in ("shared", "everywhere"):
        return switchboard.documents.everywhere(shared=where == "shared")
    return switchboard.documents.all((await find_base(switchboard, where)).id)


async def _list(base: str, access: Access) -> int:
    async with connected(access) as switchboard:
        documents = [entry async for entry in await _listed(switchboard, base)]
    if not documents:
        print("There are no documents here yet. Add some: switchboard docs add FOLDER")
        return 0
    table = Table(box=None)
    table.add_column("id", no_wrap=True, min_width=36)  # `docs rm` takes it whole
    for title in ("title", "status", "chunks", "updated"):
        table.add_column(title, overflow="fold")
    for entry in sorted(documents, key=lambda entry: entry.title):
        status = entry.status if not entry.error else f"{entry.status}: {one_line(entry.error)}"
        when = f"{entry.updated_at:%Y-%m-%d %H:%M}"
        table.add_row(str(entry.id), escape(one_line(entry.title)), escape(status), str(entry.chunks), when)
    Console().print(table)
    return 0


async def _remove(ids: list[UUID], access: Access) -> int:
    async with connected(access) as switchboard:
        for document_id in ids:
            document = await switchboard.documents.find(document_id)
            await switchboard.documents.delete(document.knowledge_base_id, document_id)
            print(f"removed {document_id}")
    return 0
