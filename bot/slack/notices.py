"""What we say beside answers: greetings, help, linking, uploads, refusals, news. One idea a message."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from bot.slack.blocks import (
    NOTIFICATION,
    code,
    context,
    header,
    listed,
    section,
    shown,
    when,
    within,
)
from bot.slack.citing import sources_of
from bot.slack.happened import Message
from bot.slack.text import escaped, linked, shortened
from kit.wire.channels import LinkState
from kit.wire.chat import Citation
from kit.wire.library import Document, Job

PROMPTS: Final = 4
_TITLE, _PROMPT = 60, 200
_SHOWN_ERRORS: Final = 5
_LISTED: Final = 8_000
_LONGEST_URL: Final = 1_000
_SAMPLES: Final = (
    ("What can you do?", "What can you do?"),
    ("What do the documents cover?", "What are the documents that you can search about?"),
)
_STATES: Final = {
    "queued": ":hourglass_flowing_sand: waiting",
    "processing": ":hourglass_flowing_sand: being read",
    "ready": ":white_check_mark: ready",
    "failed": ":warning: failed",
}


def notice(text: str) -> Message:
    """One paragraph or more, as text."""
    said = text.strip() or "Something went wrong on our side."
    lines = [line for line in said[:2_000].split("\n") if line.strip()][:40]
    paragraphs = [section(escaped(shortened(line, 580))) for line in lines]
    return Message(_spoken(said), tuple(paragraphs))


def welcome() -> Message:
    text = "Hello! Ask me in your own words: I answer from your organisation's documents, with their sources."
    blocks = [section(f":wave: {text}"), section(WAYS), context("`/help` shows this again.")]
    return Message(text, tuple(blocks))


def help_() -> Message:
    blocks = [header("How I can help"), section(WAYS), section(COMMANDS_HELP), context(_PROMISE)]
    return Message("How I can help", tuple(blocks))


def refused(bot: bool) -> Message:
    """To a stranger, or a bot: nothing was asked of the documents."""
    if bot:
        return notice("I answer people only, not bots or workflows. Nothing was done.")
    return notice(
        "I answer only people of the organisation that installed me. Please ask whoever invited you."
    )


def link_card(link: LinkState, base_url: str) -> Message:
    """For the person alone: whoever has the code and signs in would link this account to theirs."""
    if link.linked:
        return notice(f"Your Slack account is linked to {link.user_name or 'your account'}. Just ask.")
    text = "Before I can answer, link your Slack account to your account in your organisation."
    if not link.code:
        return notice(f"{text} There is no code at the moment: write to me again in a minute.")
    steps = (
        f"*1.* Sign in at {linked(base_url, base_url)} with your account in the organisation.\n"
        "*2.* Confirm this code, for example in a terminal:"
    )
    command = f"switchboard link {link.code}"
    until = f" It is good until {when(link.expires_at)}." if link.expires_at else ""
    warning = "Give this code to nobody: it links *your* Slack account."
    blocks = [
        section(f":link: {escaped(text)}"),
        section(steps),
        *code(command),
        section("*3.* Ask again here."),
        context(f"{warning}{until}"),
    ]
    return Message(text, tuple(blocks))


def sources(documents: Sequence[Document], citations: Sequence[Citation]) -> Message:
    """The sources of the last answer; without one, the documents that there are to ask about."""
    if citations:
        return Message("The sources of the last answer", tuple(sources_of(citations)))
    if not documents:
        return notice("There are no documents that you can see yet. Send me a file, and I read it for you.")
    lines = within([document_line(document) for document in documents], _LISTED)
    blocks = [header("Documents that you can ask about"), *map(section, listed(lines))]
    return Message("Documents that you can ask about", tuple(blocks))


def document_line(document: Document) -> str:
    state = "" if document.status == "ready" else f" · {_STATES[document.status]}"
    error = f": {shown(document.error, 150)}" if document.error else ""
    name = document.title or document.path
    url = document.source_url if len(document.source_url) <= _LONGEST_URL else ""
    title = linked(url, shortened(name, 120)) if url else shown(name, 120)
    return f"• {title}{state}{error}"


def upload(name: str, job: Job | None, problem: str = "") -> Message:
    """A file on its way into the person's own documents; `problem`: why it is not."""
    file = f"*{shown(name, 120)}*"
    if problem:
        return _line(f":warning: I could not take {file}. {escaped(shortened(problem, 400))}")
    if job is None or job.status == "queued":
        return _line(f":hourglass_flowing_sand: I have {file} and will read it now …")
    if job.status == "running":
        return _line(f":hourglass_flowing_sand: Reading {file} … {progress(job)}")
    if job.status == "cancelled":
        return _line(f":no_entry_sign: Reading {file} was cancelled.")
    if job.errors:
        return _troubled(file, job)
    if job.status == "failed":
        return _line(f":warning: {file} could not be read. Try it again, or in another format.")
    return _line(f":white_check_mark: I have read {file}. Ask me about it; only you can see it.")


def _troubled(file: str, job: Job) -> Message:
    total = job.progress.total
    good = max(0, total - len(job.errors))
    head = f":warning: {good} of {total} files in {file} are ready; these are not:"
    if total <= 1 or not good:
        head = f":warning: {file} could not be read:"
    lines = [f"• {shown(e.document, 100)}: {shown(e.detail, 250)}" for e in job.errors[:_SHOWN_ERRORS]]
    if len(job.errors) > _SHOWN_ERRORS:
        lines.append(f"and {len(job.errors) - _SHOWN_ERRORS} more")
    return Message(head, tuple(map(section, listed([head, *lines]))))


def job_told(payload: Mapping[str, Any]) -> Message:
    """A job that was started here has ended: {kind, status, done, good, total}."""
    good, total = _number(payload.get("good")), _number(payload.get("total"))
    match payload.get("status"):
        case "succeeded" if total > 1:
            return _line(f":white_check_mark: {good} of {total} documents are ready. Ask me about them.")
        case "succeeded":
            return _line(":white_check_mark: Your document is ready. Ask me about it.")
        case "cancelled":
            return _line(":no_entry_sign: Reading your documents was cancelled.")
        case _ if good:
            ready = f"{good} of {total} documents are ready; the others could not be read."
            return _line(f":warning: {ready} My Home tab says why.")
        case _:
            return _line(":warning: Your document could not be read. My Home tab says why.")


def prompts(titles: Sequence[str]) -> list[dict[str, str]]:
    """What might be asked, after the titles of what the person can see: at most four."""
    named = [title for title in dict.fromkeys(" ".join(title.split()) for title in titles) if title]
    about = [
        (f"About “{_short(title)}”", f"What does “{_long(title)}” say?") for title in named[: PROMPTS - 1]
    ]
    return [{"title": title, "message": message} for title, message in [*about, *_SAMPLES][:PROMPTS]]


def progress(job: Job) -> str:
    progress = job.progress
    if not progress.total:
        return shown(progress.stage, 40)
    part = min(1.0, progress.done / progress.total)
    bar = "▓" * round(part * 10) + "░" * (10 - round(part * 10))
    return f"{bar} {progress.done} of {progress.total} {shown(progress.stage, 40)}".rstrip()


def _line(markup: str) -> Message:
    return Message(markup, (section(markup),))


def _spoken(text: str) -> str:
    return escaped(shortened(text, NOTIFICATION))


def _short(title: str) -> str:
    return shortened(title, _TITLE)


def _long(title: str) -> str:
    return shortened(title, _PROMPT)


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


WAYS: Final = (
    "• *Ask here*, or mention me in a channel: there I use only what everyone may read.\n"
    "• *Send me a file*: I read it into your own documents, which only you see.\n"
    "• On any message: *More actions* › “Ask about this” or “Save to my knowledge base”.\n"
    "• *Edit your question*, and I answer it anew."
)
COMMANDS_HELP: Final = (
    "`/ask` a question, answered for you alone\n"
    "`/book` a meeting\n"
    "`/sources` of the last answer\n"
    "`/help` shows this"
)
_PROMISE: Final = "Every fact in an answer has its source; its number opens the place. I can be wrong: look."
