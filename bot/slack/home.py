"""App Home: what is mine, what waits for me, who I am to the platform, and how to go on (SPEC 1 J1)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.core.plain import shortened
from bot.core.telling import progress
from bot.slack.blocks import (
    VIEW_BLOCKS,
    Block,
    button,
    confirmation,
    context,
    divider,
    header,
    section,
    shown,
)
from bot.slack.cards import open_ones
from bot.slack.notices import COMMANDS_HELP, WAYS, document_line, link_card
from bot.slack.text import escaped
from kit.wire.account import Me
from kit.wire.channels import LinkState
from kit.wire.interactions import Interaction
from kit.wire.library import Document, Job

_DOCUMENTS, _INTERACTIONS, _JOBS = 40, 20, 5
_LATEST_ERRORS = 3
_UNLIMITED = 100_000


@dataclass(frozen=True, slots=True)
class Home:
    """What the platform says of the person now; empty where it says nothing."""

    me: Me | None
    link: LinkState
    documents: Sequence[Document]
    jobs: Sequence[Job]
    interactions: Sequence[Interaction]
    base_url: str


def home(given: Home) -> Block:
    blocks = [*_account(given)]
    if given.me is not None:
        blocks += [*_waiting(given.interactions), *_reading(given.jobs), *_documents(given.documents)]
    blocks += [divider(), header("How to go on"), section(WAYS), section(COMMANDS_HELP)]
    return {"type": "home", "blocks": blocks[:VIEW_BLOCKS]}


def _account(given: Home) -> Iterator[Block]:
    yield header("Switchboard")
    if not given.link.linked and given.link.code:
        # Nobody but the person sees this page.
        yield section(
            ":bust_in_silhouette: You are a guest here: I use only what everyone may read. Link your account,"
            " and I use your own documents, too."
        )
        yield from link_card(given.link, given.base_url).blocks[1:]
    elif given.me is not None:
        person = " · ".join(filter(None, (shown(given.me.name, 100), shown(given.me.email, 120))))
        yield section(f":bust_in_silhouette: You are *{person}* here.")
        yield from _limits(given.me)
    elif given.link.linked:
        yield section(
            ":warning: The platform does not answer at the moment. Open this tab again in a minute."
        )
    else:
        yield section(
            ":link: Your Slack account is not linked yet. *Write me a message*, and I show you how: it takes"
            " a minute."
        )


def _limits(me: Me) -> Iterator[Block]:
    """Questions alone: what else is limited nobody in Slack comes near."""
    for limit in me.limits:
        if limit.kind == "turns" and limit.most < _UNLIMITED:
            yield context(f"You can ask {limit.left} of {limit.most} questions right now (each minute anew).")


def _waiting(interactions: Sequence[Interaction]) -> Iterator[Block]:
    yield divider()
    yield header("Waiting for an answer")
    if not interactions:
        yield context("Nothing waits for you.")
    yield from open_ones(interactions[:_INTERACTIONS])
    yield from _more(len(interactions) - _INTERACTIONS)


def _reading(jobs: Sequence[Job]) -> Iterator[Block]:
    running = [job for job in jobs if job.status in ("queued", "running")]
    failed = [job for job in jobs if job.errors][:_LATEST_ERRORS]
    if not running and not failed:
        return
    yield divider()
    yield header("Being read")
    for job in running[:_JOBS]:
        yield section(f":hourglass_flowing_sand: {escaped(progress(job))}")
    for job in failed:
        error = job.errors[0]
        yield section(f":warning: {shown(error.document, 100)}: {shown(error.detail, 250)}")


def _documents(documents: Sequence[Document]) -> Iterator[Block]:
    yield divider()
    yield header("My documents")
    if not documents:
        yield context("You have none yet. Send me a file in *Messages*, and only you can ask about it.")
    for document in documents[:_DOCUMENTS]:
        yield {**section(document_line(document)), "accessory": _remove(document)}
    yield from _more(len(documents) - _DOCUMENTS)


def _remove(document: Document) -> Block:
    title = shortened(document.title or document.path, 100)
    sure = confirmation("Remove it?", f"“{title}” can then no longer be found.", "Remove", danger=True)
    value = {"document": str(document.id)}
    return button("Remove", "remove_document", value, apart=str(document.id), confirm=sure)


def _more(missing: int) -> Iterator[Block]:
    if missing > 0:
        yield context(escaped(f"and {missing} more"))
