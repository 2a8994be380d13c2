"""switchboard docs share | unshare | shares | mv | edit | versions | restore"""

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from switchboard_sdk import Switchboard
from switchboard_sdk.jobs import FINISHED

from bot.console.plain import one_line
from kit.wire.library import ChangedDocument, Document, KnowledgeBase, Share, ShareWith
from launch.cli.connect import FAILED, Access, Work, asks, connected

FindBase = Callable[[Switchboard, str], Awaitable[KnowledgeBase]]
Id = Annotated[UUID, typer.Argument(help="The document; `docs list` shows ids.", show_default=False)]
Whom = Annotated[
    list[str],
    typer.Argument(help="E-mail addresses or ids of people, @group, or 'everyone'.", show_default=False),
]
FIELDS = ("title", "doc_type", "service_scope", "privacy_level", "last_modified", "strategy")
AUTOMATIC = "auto"


def command(docs: typer.Typer, find_base: FindBase) -> None:
    """Adds the verbs to `docs`."""
    _sharing(docs)
    _editing(docs)
    _moving(docs, find_base)


def _sharing(docs: typer.Typer) -> None:
    @docs.command(help="Share a document: it can be found by them at once.")
    @asks("maya")
    def share(access: Access, document: Id, whom: Whom) -> Work:
        return _share(document, [share_with(one) for one in whom], access)

    @docs.command(help="Take shares back.")
    @asks("maya")
    def unshare(access: Access, document: Id, whom: Whom) -> Work:
        return _unshare(document, [share_with(one) for one in whom], access)

    @docs.command(help="With whom a document is shared.")
    @asks("maya")
    def shares(access: Access, document: Id) -> Work:
        return _shares(document, access)


def _editing(docs: typer.Typer) -> None:
    @docs.command(help="Correct what is known about a document; 'auto' gives a field back to the document.")
    @asks("maya")
    def edit(  # noqa: PLR0917  one option for each field
        access: Access,
        document: Id,
        title: str | None = None,
        doc_type: str | None = None,
        service_scope: Annotated[str | None, typer.Option("--scope", "--service-scope")] = None,
        privacy_level: Annotated[str | None, typer.Option("--privacy", "--privacy-level")] = None,
        last_modified: Annotated[str | None, typer.Option("--date", help="2026-03-01")] = None,
        strategy: Annotated[str | None, typer.Option(help="How it is cut into chunks.")] = None,
        tags: Annotated[str | None, typer.Option(help="Separated by commas.")] = None,
    ) -> Work:
        given = (title, doc_type, service_scope, privacy_level, last_modified, strategy)
        fields = corrections(dict(zip(FIELDS, given, strict=True)), tags)
        if not fields:
            raise typer.BadParameter("Say what to correct, such as --title 'Leave' or --tags a,b.")
        return _edit(document, fields, access)

    @docs.command(help="The versions of a document that you may open.")
    @asks("maya")
    def versions(access: Access, document: Id) -> Work:
        return _versions(document, access)

    @docs.command(help="Bring an older version back.")
    @asks("maya")
    def restore(access: Access, document: Id, version: int) -> Work:
        return _restore(document, version, access)


def _moving(docs: typer.Typer, find_base: FindBase) -> None:
    @docs.command(help="Move a document to another knowledge base, to another path, or both.")
    @asks("maya")
    def mv(
        access: Access,
        document: Id,
        base: Annotated[
            str | None, typer.Option("--to", help="A knowledge base: its name or id, 'org', or 'personal'.")
        ] = None,
        path: Annotated[str | None, typer.Option(help="Its new path there.")] = None,
    ) -> Work:
        if base is None and path is None:
            raise typer.BadParameter("Say where to: --to BASE, --path PATH, or both.")
        return _move(document, base, path, access, find_base)


def share_with(text: str) -> ShareWith:
    """Whom a person means. Raises typer.BadParameter."""
    if text == "everyone":
        return ShareWith(everyone=True)
    if text.startswith("@") and len(text) > 1:
        return ShareWith(group=text[1:])
    if "@" in text[1:-1]:
        return ShareWith(email=text)
    try:
        return ShareWith(user_id=UUID(text))
    except ValueError as error:
        raise typer.BadParameter(
            f"{text!r} is no e-mail address, no id, no @group and not 'everyone'."
        ) from error


def corrections(given: dict[str, str | None], tags: str | None) -> dict[str, Any]:
    """The fields of a correction: what was not said is left out. Raises typer.BadParameter."""
    fields: dict[str, Any] = {
        name: None if value == AUTOMATIC else value for name, value in given.items() if value is not None
    }
    if tags is not None:
        parts = [part.strip() for part in tags.split(",") if part.strip()]
        fields["tags"] = None if tags == AUTOMATIC else parts
    if fields.get("last_modified"):
        fields["last_modified"] = _moment(fields["last_modified"])
    return fields


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not a date such as 2026-03-01.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


async def _share(document_id: UUID, whom: list[ShareWith], access: Access) -> int:
    async with connected(access) as switchboard:
        document = await switchboard.documents.find(document_id)
        for one in whom:
            given = await switchboard.documents.share(document.knowledge_base_id, document.id, one)
            print(f"{one_line(document.title)}: shared with {_called(given)}")
    return 0


async def _unshare(document_id: UUID, whom: list[ShareWith], access: Access) -> int:
    async with connected(access) as switchboard:
        document = await switchboard.documents.find(document_id)
        for one in whom:
            await switchboard.documents.unshare(document.knowledge_base_id, document.id, one)
        print(f"{one_line(document.title)}: no longer shared with {len(whom)} of them")
    return 0


async def _shares(document_id: UUID, access: Access) -> int:
    async with connected(access) as switchboard:
        document = await switchboard.documents.find(document_id)
        count = 0
        async for share in switchboard.documents.shares(document.knowledge_base_id, document.id):
            print(f"{share.kind:<9} {_called(share)}")
            count += 1
    if not count:
        print("Shared with nobody.")
    return 0


def _called(share: Share) -> str:
    name = one_line(share.name) or str(share.user_id)
    return f"{name} <{one_line(share.email)}>" if share.email else name


async def _edit(document_id: UUID, fields: dict[str, Any], access: Access) -> int:
    async with connected(access) as switchboard:
        document = await switchboard.documents.find(document_id)
        changed = await switchboard.documents.correct(
            document.knowledge_base_id, document.id, edition=document.edition, **fields
        )
        return await _told(switchboard, changed)


async def _move(
    document_id: UUID, base: str | None, path: str | None, access: Access, find_base: FindBase
) -> int:
    async with connected(access) as switchboard:
        document = await switchboard.documents.find(document_id)
        target = (await find_base(switchboard, base)).id if base else None
        changed = await switchboard.documents.move(
            document.knowledge_base_id, document.id, to=target, path=path
        )
        return await _told(switchboard, changed)


async def _versions(document_id: UUID, access: Access) -> int:
    table = Table("version", "bytes", "sent", "", box=None)
    async with connected(access) as switchboard:
        document = await switchboard.documents.find(document_id)
        async for one in switchboard.documents.versions(document.knowledge_base_id, document.id):
            mark = "published" if one.published else ""
            table.add_row(str(one.version), f"{one.size:,}", f"{one.created_at:%Y-%m-%d %H:%M}", mark)
    Console().print(table)
    return 0


async def _restore(document_id: UUID, version: int, access: Access) -> int:
    async with connected(access) as switchboard:
        document = await switchboard.documents.find(document_id)
        changed = await switchboard.documents.restore(document.knowledge_base_id, document.id, version)
        return await _told(switchboard, changed)


async def _told(switchboard: Switchboard, changed: ChangedDocument) -> int:
    """How the document is now, after the job that reads it again, if there is one."""
    document = changed.document
    if changed.job_id is not None:
        with Console().status("reading it again"):
            await _finished(switchboard, changed.job_id)
        document = await switchboard.documents.find(document.id)
    Console().print(escape(_line(document)), highlight=False)
    return FAILED if document.status == "failed" else 0


async def _finished(switchboard: Switchboard, job_id: UUID) -> None:
    async with aclosing(switchboard.jobs.follow(job_id)) as states:
        async for job in states:
            if job.status in FINISHED:
                return


def _line(document: Document) -> str:
    said = [f"{one_line(document.title)} ({one_line(document.path)})", document.status]
    if document.error:
        said.append(one_line(document.error))
    said.append(f"scope {one_line(document.service_scope)}: {one_line(document.scope_reason)}")
    if document.corrected:
        said.append(f"corrected: {', '.join(document.corrected)}")
    return " · ".join(said)
