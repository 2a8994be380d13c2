"""What we say beside answers: greetings, help, linking, uploads, refusals, news. One idea a message."""

from collections.abc import Sequence
from typing import Final

from bot.core import words
from bot.core.plain import shortened
from bot.core.questions import elsewhere
from bot.core.telling import Told
from bot.slack.blocks import (
    NOTIFICATION,
    code,
    context,
    header,
    listed,
    quoted,
    section,
    shown,
    when,
    within,
)
from bot.slack.citing import sources_of
from bot.slack.happened import Message
from bot.slack.text import escaped, linked
from kit.wire.channels import LinkState
from kit.wire.chat import Citation
from kit.wire.interactions import Interaction
from kit.wire.library import Document

_LISTED: Final = 8_000
_LONGEST_URL: Final = 1_000
_SIGNS: Final = {
    "done": ":white_check_mark:",
    "waits": ":hourglass_flowing_sand:",
    "wrong": ":warning:",
    "stopped": ":no_entry_sign:",
    "news": ":bell:",
}
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


def too_large(interaction: Interaction) -> Message:
    """The form is more than a modal holds: where to answer it."""
    text = elsewhere(interaction, "Slack")
    return Message(text, (section(text),))


def asked_about(question: str, message: str) -> Message:
    """Stands above the answer in the person's own messages; what was asked about is somebody else's."""
    said = f"You asked about a message: {question}"
    quote = quoted(shortened(message, 500)) if message else []
    return Message(_spoken(said), (section(escaped(shortened(said, 2_500))), *quote))


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


def told(said: Told) -> Message:
    """News, by its sign. What somebody else has named stands bold, as text."""
    before, _, after = said.text.partition("{name}")
    named = f"*{shown(said.name, 200)}*" if "{name}" in said.text else ""
    head = f"{_SIGNS[said.sign]} {escaped(before)}{named}{escaped(after)}"
    return Message(head, tuple(map(section, listed([head, *map(escaped, said.more)]))))


def prompts(titles: Sequence[str]) -> list[dict[str, str]]:
    """As the agent view takes them."""
    return [{"title": title, "message": message} for title, message in words.prompts(titles)]


def _spoken(text: str) -> str:
    return escaped(shortened(text, NOTIFICATION))


WAYS: Final = (
    "• *Ask here*, or mention me in a channel: there I use only what everyone may read.\n"
    "• *Send me a file*: I read it into your own documents, which only you see.\n"
    "• On any message: *More actions* › “Ask about this” or “Save to my documents”.\n"
    "• *Edit your question*, and I answer it anew: always here, in channels where Slack tells me of it."
)
COMMANDS_HELP: Final = (
    "`/ask` a question, answered for you alone\n"
    "`/book` a meeting\n"
    "`/sources` of the last answer\n"
    "`/help` shows this"
)
_PROMISE: Final = "Every fact in an answer has its source; its number opens the place. I can be wrong: look."
