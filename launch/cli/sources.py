"""switchboard docs crawl URL · docs sources list | folder | git | sync | runs | pause | resume | rm"""

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Annotated, Literal, cast
from uuid import UUID

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from switchboard_sdk import ApiError, Switchboard

from bot.console.plain import one_line
from kit.wire.library import KnowledgeBase
from kit.wire.sources import Source, SourceRun
from launch.cli.connect import FAILED, Access, Work, asks, connected

FindBase = Callable[[Switchboard, str], Awaitable[KnowledgeBase]]
Base = Annotated[
    str, typer.Option("--in", "--to", help="A knowledge base: its name or id, 'org', or 'personal'.")
]
Schedule = Annotated[
    str, typer.Option("--schedule", "--every", help="Minutes between two runs (15 or more), or 'manual'.")
]
Follow = Annotated[bool, typer.Option("--follow/--no-follow", help="Wait and show how far it is.")]
Include = Annotated[list[str] | None, typer.Option(help="Only paths like this; `*` stands for anything.")]
Exclude = Annotated[list[str] | None, typer.Option(help="No paths like this.")]
Pages = Annotated[int | None, typer.Option("--max-pages", min=1, help="At most so many pages.")]
Id = Annotated[str, typer.Argument(help="The source: its id, the beginning of it, or its address.")]
Force = Annotated[bool, typer.Option("--force", help="Remove what is gone, even if it is more than half.")]
Documents = Annotated[bool, typer.Option("--documents", help="Delete its documents, too.")]


def command(docs: typer.Typer, find_base: FindBase) -> None:
    """Adds the verbs to `docs`; `find_base` finds a knowledge base by what a person calls it."""
    sources = typer.Typer(help="Web sites, repositories and folders that are read on a schedule.")
    _crawl_verb(docs, find_base)
    _folder_verb(sources, find_base)
    _git_verb(sources, find_base)
    _watch_verbs(sources)
    docs.add_typer(sources, name="sources", no_args_is_help=True)


def _crawl_verb(docs: typer.Typer, find_base: FindBase) -> None:
    @docs.command(help="Read a web site, now and on a schedule.")
    @asks("maya")
    def crawl(  # noqa: PLR0917  typer fills these by name
        access: Access,
        site: Annotated[str, typer.Argument(help="Where it begins: its host, and what lies below its path.")],
        base: Base = "personal",
        schedule: Schedule = "60",
        include: Include = None,
        exclude: Exclude = None,
        max_pages: Pages = None,
        follow: Follow = True,
    ) -> Work:
        async def add(switchboard: Switchboard, base_id: UUID) -> Source:
            return await switchboard.sources.crawl(
                base_id,
                site,
                schedule=_minutes(schedule),
                include=include or [],
                exclude=exclude or [],
                max_pages=max_pages,
            )

        return _add(add, base, find_base, access, follow=follow)


def _folder_verb(sources: typer.Typer, find_base: FindBase) -> None:
    @sources.command(help="Read a folder of the server, where the operator allows it.")
    @asks("maya")
    def folder(  # noqa: PLR0917  typer fills these by name
        access: Access,
        path: str,
        base: Base = "org",
        schedule: Schedule = "60",
        include: Include = None,
        exclude: Exclude = None,
        follow: Follow = True,
    ) -> Work:
        async def add(switchboard: Switchboard, base_id: UUID) -> Source:
            minutes = _minutes(schedule)
            wanted, unwanted = include or [], exclude or []
            return await switchboard.sources.folder(
                base_id, path, schedule=minutes, include=wanted, exclude=unwanted
            )

        return _add(add, base, find_base, access, follow=follow)


def _git_verb(sources: typer.Typer, find_base: FindBase) -> None:
    @sources.command(help="Read a repository: an https address, or a path on the server.")
    @asks("maya")
    def git(  # noqa: PLR0917  typer fills these by name
        access: Access,
        repository: str,
        base: Base = "org",
        branch: Annotated[str, typer.Option(help="The repository's own, where absent.")] = "",
        folder: Annotated[str, typer.Option(help="Only this folder of it.")] = "",
        schedule: Schedule = "60",
        follow: Follow = True,
    ) -> Work:
        async def add(switchboard: Switchboard, base_id: UUID) -> Source:
            where = {"url" if "://" in repository else "path": repository}
            minutes = _minutes(schedule)
            return await switchboard.sources.git(
                base_id, branch=branch, folder=folder, schedule=minutes, **where
            )

        return _add(add, base, find_base, access, follow=follow)


def _watch_verbs(sources: typer.Typer) -> None:
    @sources.command("list", help="The sources of the knowledge bases that you manage.")
    @asks("maya")
    def show(access: Access) -> Work:
        return _list(access)

    @sources.command(help="Read it now.")
    @asks("maya")
    def sync(access: Access, source: Id, force: Force = False, follow: Follow = True) -> Work:
        return _sync(source, access, force=force, follow=follow)

    @sources.command(help="The log: what each run read, skipped, removed and could not read.")
    @asks("maya")
    def runs(
        access: Access,
        source: Id,
        most: Annotated[int, typer.Option("--most", min=1, max=100, help="Runs to show.")] = 10,
    ) -> Work:
        return _runs(source, most, access)

    @sources.command(help="No more runs until it is resumed.")
    @asks("maya")
    def pause(access: Access, source: Id) -> Work:
        return _pause(source, access, paused=True)

    @sources.command(help="On its schedule again, whatever stopped it.")
    @asks("maya")
    def resume(access: Access, source: Id) -> Work:
        return _pause(source, access, paused=False)

    @sources.command("rm", help="Delete a source; its documents stay unless you say --documents.")
    @asks("maya")
    def remove(access: Access, source: Id, documents: Documents = False) -> Work:
        return _remove(source, access, "delete" if documents else "keep")


def _minutes(schedule: str) -> int | str:
    """Raises BadParameter."""
    if schedule == "manual":
        return schedule
    if not schedule.isdigit() or int(schedule) < 15:
        raise typer.BadParameter("'--schedule' takes minutes, 15 or more, or 'manual'.")
    return int(schedule)


async def _add(
    add: Callable[[Switchboard, UUID], Awaitable[Source]],
    base: str,
    find_base: FindBase,
    access: Access,
    *,
    follow: bool,
) -> int:
    async with connected(access) as switchboard:
        knowledge_base = await find_base(switchboard, base)
        source = await add(switchboard, knowledge_base.id)
        print(f"added {source.id} to {one_line(knowledge_base.name)}")
        if not follow or source.last_run is None:
            return 0
        return await _follow(switchboard, source, source.last_run)


async def _sync(wanted: str, access: Access, *, force: bool, follow: bool) -> int:
    async with connected(access) as switchboard:
        source = await _find(switchboard, wanted)
        run = await switchboard.sources.sync(source.knowledge_base_id, source.id, force=force)
        if not follow:
            print(f"started {run.id}")
            return 0
        return await _follow(switchboard, source, run)


async def _follow(switchboard: Switchboard, source: Source, run: SourceRun) -> int:
    """Until its documents can be found; then what the log says of it."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(), transient=True) as bar:
        task = bar.add_task("waiting", total=None)
        async with aclosing(switchboard.jobs.follow(run.job_id)) as states:
            async for job in states:
                stage, progress = escape(one_line(job.progress.stage)), job.progress
                bar.update(task, description=f"{stage} · {progress.done} of {progress.total} documents")
    async for latest in switchboard.sources.runs(source.knowledge_base_id, source.id):
        if latest.id == run.id:
            _print_run(latest)
            return 0 if latest.status == "succeeded" else FAILED
    return FAILED


async def _list(access: Access) -> int:
    async with connected(access) as switchboard:
        found = await _sources(switchboard)
        if not found:
            print("There are no sources yet. Add a web site: switchboard docs crawl https://…")
        for base, source in found:
            every = "when asked" if source.schedule == "manual" else f"every {source.schedule} min"
            where = one_line(source.url or source.path or "")
            print(f"{source.id}  {source.status:<8} {source.documents} documents, {every}")
            print(f"    {source.kind} {where} → {one_line(base.name)}")
            if source.reason:
                print(f"    {one_line(source.reason)} {one_line(source.hint or '')}".rstrip())
    return 0


async def _runs(wanted: str, most: int, access: Access) -> int:
    async with connected(access) as switchboard:
        source = await _find(switchboard, wanted)
        shown = 0
        async for run in switchboard.sources.runs(source.knowledge_base_id, source.id):
            _print_run(run)
            shown += 1
            if shown >= most:
                break
        if not shown:
            print(f"It has not run yet. Read it now: switchboard docs sources sync {source.id}")
    return 0


async def _pause(wanted: str, access: Access, *, paused: bool) -> int:
    async with connected(access) as switchboard:
        source = await _find(switchboard, wanted)
        change = switchboard.sources.pause if paused else switchboard.sources.resume
        changed = await change(source.knowledge_base_id, source.id)
        print(f"{changed.status} {changed.id}")
    return 0


async def _remove(wanted: str, access: Access, documents: str) -> int:
    async with connected(access) as switchboard:
        source = await _find(switchboard, wanted)
        kept = cast(Literal["keep", "delete"], documents)
        await switchboard.sources.delete(source.knowledge_base_id, source.id, kept)
        print(f"removed {source.id}; its documents {'go' if documents == 'delete' else 'stay'}")
    return 0


async def _find(switchboard: Switchboard, wanted: str) -> Source:
    """By id, the beginning of one, or the address. Raises BadParameter."""
    found = [
        source
        for _, source in await _sources(switchboard)
        if str(source.id).startswith(wanted) or wanted in (source.url, source.path)
    ]
    if len(found) == 1:
        return found[0]
    many = "several sources" if found else "no source"
    raise typer.BadParameter(f"There is {many} {wanted!r} that you manage: `switchboard docs sources list`.")


async def _sources(switchboard: Switchboard) -> list[tuple[KnowledgeBase, Source]]:
    """Of all knowledge bases that the person manages."""
    found: list[tuple[KnowledgeBase, Source]] = []
    async for base in switchboard.knowledge_bases.all():
        try:
            found += [(base, source) async for source in switchboard.sources.all(base.id)]
        except ApiError as error:
            if error.status != 403:
                raise
    return found


def _print_run(run: SourceRun) -> None:
    counts = run.counts
    said = (
        f"{counts.success} read, {counts.unchanged} unchanged, {counts.skipped - counts.unchanged} skipped, "
        f"{counts.failed} failed, {counts.removed} removed"
    )
    print(f"{run.started_at:%Y-%m-%d %H:%M}  {run.status:<10} {said}")
    if run.detail:
        print(f"    {one_line(run.detail)} {one_line(run.hint or '')}".rstrip())
    for problem in run.problems:
        print(f"    {one_line(problem.url or problem.path)}: {one_line(problem.detail)}")
