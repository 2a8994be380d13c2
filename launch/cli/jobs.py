"""switchboard docs jobs [ID] | cancel ID | retry ID, and for admins: failed | replay | reconcile | flush"""

from contextlib import aclosing
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from switchboard_sdk import Switchboard
from switchboard_sdk.folders import told
from switchboard_sdk.jobs import FINISHED

from bot.console.plain import one_line
from kit.wire.library import Job
from launch.cli.connect import FAILED, Access, Work, asks, connected

_SHOWN = 50
Id = Annotated[UUID, typer.Argument(help="The job.", show_default=False)]
MaybeId = Annotated[UUID | None, typer.Argument(help="One job; all of yours without it.")]
Follow = Annotated[bool, typer.Option("--follow", help="Wait until it is finished.")]
Letters = Annotated[list[int] | None, typer.Argument(help="Dead letters by number.")]
Scope = Annotated[str, typer.Argument(help="all, documents, or the id of a knowledge base.")]
All = Annotated[bool, typer.Option("--all", help="All dead letters of your organisation.")]


def command(docs: typer.Typer) -> None:
    """Adds the verbs to `docs`."""
    _own(docs)
    _for_admins(docs)


def _own(docs: typer.Typer) -> None:
    @docs.command(help="Your jobs, newest first; or one with its documents.")
    @asks("maya")
    def jobs(access: Access, job: MaybeId = None, follow: Follow = False) -> Work:
        return _jobs(job, access, follow=follow)

    @docs.command(help="Stop a job: what is published stays, the rest is not read.")
    @asks("maya")
    def cancel(access: Access, job: Id) -> Work:
        return _cancel(job, access)

    @docs.command(help="Try the failed documents of a job again.")
    @asks("maya")
    def retry(access: Access, job: Id, follow: Follow = False) -> Work:
        return _retry(job, access, follow=follow)


def _for_admins(docs: typer.Typer) -> None:
    @docs.command(help="For admins: jobs after their last attempt, with the reason.")
    @asks("ada")
    def failed(access: Access) -> Work:
        return _failed(access)

    @docs.command(help="For admins: try dead letters again.")
    @asks("ada")
    def replay(access: Access, letters: Letters = None, every: All = False) -> Work:
        if bool(letters) == every:
            raise typer.BadParameter("Name the dead letters (see `switchboard docs failed`), or say --all.")
        return _replay(letters or [], access)

    @docs.command(help="For admins: compare index and files with the database, and repair.")
    @asks("ada")
    def reconcile(access: Access) -> Work:
        return _reconcile(access)

    @docs.command(help="For admins: answer nothing from the caches that was kept until now.")
    @asks("ada")
    def flush(access: Access, scope: Scope = "all") -> Work:
        return _flush(scope, access)


async def _jobs(job_id: UUID | None, access: Access, *, follow: bool) -> int:
    async with connected(access) as switchboard:
        if job_id is not None:
            return await _show(switchboard, await switchboard.jobs.get(job_id), follow=follow)
        count = 0
        async for job in switchboard.jobs.all():
            print(
                f"{job.id}  {job.status:<10} {job.progress.done}/{job.progress.total}  {one_line(job.kind)}"
            )
            _say_errors(job)
            count += 1
            if count == _SHOWN:
                break
    return 0


async def _show(switchboard: Switchboard, job: Job, *, follow: bool) -> int:
    """The job, after its end where it is followed; the exit code says whether it went well."""
    if follow and job.status not in FINISHED:
        job = await _followed(switchboard, job)
    progress = job.progress
    print(f"{one_line(job.kind)} {job.status}: {progress.done}/{progress.total} {one_line(progress.stage)}")
    for item in job.items:
        done = f" {item.done}/{item.total}" if item.total else ""
        doing = f"{item.stage}{done}, attempt {item.attempts}" if item.status == "running" else "failed"
        print(f"    {one_line(item.document)}: {one_line(doing)}")
    _say_errors(job)
    for name, number in sorted(job.report.items()):
        print(f"    {one_line(name).replace('_', ' ')}: {number}")
    return FAILED if job.status == "failed" else 0


async def _followed(switchboard: Switchboard, job: Job) -> Job:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(), transient=True) as bar:
        task = bar.add_task(one_line(job.progress.stage), total=None)
        async with aclosing(switchboard.jobs.follow(job.id)) as states:
            async for job in states:  # noqa: PLR1704  the last one is the answer
                total = job.progress.total or None
                said = escape(one_line(told(job)))
                bar.update(task, description=said, completed=job.progress.done, total=total)
    return job


def _say_errors(job: Job) -> None:
    for error in job.errors:
        print(f"    {one_line(error.document)}: {one_line(error.detail)}")


async def _cancel(job_id: UUID, access: Access) -> int:
    async with connected(access) as switchboard:
        job = await switchboard.jobs.cancel(job_id)
    print(f"cancelled after {job.progress.done} of {job.progress.total}")
    return 0


async def _retry(job_id: UUID, access: Access, *, follow: bool) -> int:
    async with connected(access) as switchboard:
        return await _show(switchboard, await switchboard.jobs.retry(job_id), follow=follow)


async def _failed(access: Access) -> int:
    async with connected(access) as switchboard:
        count = 0
        async for letter in switchboard.admin_jobs.failed():
            when = f"{letter.failed_at:%Y-%m-%d %H:%M}" if letter.failed_at else ""
            about = letter.document or str(letter.document_id or "")
            print(one_line(f"{letter.id}  {letter.task}  {letter.attempts} attempts  {when}  {about}"))
            print(f"    {one_line(letter.reason)}")
            count += 1
    if not count:
        print("There are no dead letters.")
    return 0


async def _replay(letters: list[int], access: Access) -> int:
    async with connected(access) as switchboard:
        if letters:
            answers = [await switchboard.admin_jobs.replay_one(letter) for letter in letters]
        else:
            answers = [await switchboard.admin_jobs.replay()]
    replayed, dropped = sum(one.replayed for one in answers), sum(one.dropped for one in answers)
    print(f"{replayed} replayed, {dropped} dropped because nobody waits for them any more")
    return 0


async def _reconcile(access: Access) -> int:
    async with connected(access) as switchboard:
        return await _show(switchboard, await switchboard.admin_jobs.reconcile(), follow=True)


async def _flush(scope: str, access: Access) -> int:
    async with connected(access) as switchboard:
        flushed = await switchboard.admin_caches.flush(scope)
    print(f"flushed: {one_line(', '.join(flushed.scopes))}. Nothing that was kept before is given again.")
    return 0
