"""Answers as Slack messages: text with numbered links, sources, what was missing, feedback (SPEC 1 J1, 7)."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from switchboard_sdk import ApiError

from bot.core.citing import addresses, numbered, without_marks
from bot.core.plain import shortened
from bot.core.reply import Answer, Trouble
from bot.core.words import missing, sentences
from bot.slack.blocks import (
    MESSAGE,
    NOTIFICATION,
    Block,
    actions,
    button,
    context,
    modal_of,
    packed,
    plain,
    section,
    shown,
    size,
)
from bot.slack.citing import (
    are_listed,
    marker,
    source_markdown,
    sources_of,
    with_links,
)
from bot.slack.happened import Message
from bot.slack.rich import inline, rich, text_length
from bot.slack.text import LONGEST, Table, escaped, parts_of, pieces
from kit.wire.chat import Message as Said

_QUESTION = 150
TABLE = 10_000
"""Characters in all cells of a message's tables; one table a message."""
_BETWEEN = "\n\n"
_EVERYONES = (
    "Here I look only into what everyone may read."
    " “Answer me privately” also looks into what you alone may see."
)
_VIEW = 60_000
"""Characters in one view: far below what a view's payload may weigh."""


def answer(given: Answer, shared: bool, asked: str = "") -> Message:
    """The whole final message. `shared`: others read it too. `asked`: the question, where Slack shows it
    nowhere. What does not fit stands behind "Show more"."""
    above = [context(f"You asked: {shown(asked, _QUESTION)}")] if asked else []
    for short in (False, True):
        urls = addresses(given.citations, short=short)
        body, complete = _body(given.text, urls, _room(given, shared) - size(above))
        if complete:
            break
    return Message(_notification(given.text), (*above, *body, *_below(given, shared, complete)))


def _room(given: Answer, shared: bool) -> int:
    return min(LONGEST, MESSAGE - size(_below(given, shared, False)))


def closing(given: Answer, shared: bool) -> tuple[Block, ...]:
    """What stands below a text that was streamed whole."""
    return tuple(_below(given, shared, True))


def whole(message: Said) -> Block:
    """The view behind "Show more": all of the answer with all its sources."""
    text = with_links(message.text, addresses(message.citations))
    notes = [f"- {source_markdown(citation)}" for citation in numbered(message.citations).values()]
    markdown = text + ("\n\n**Sources**\n\n" + "\n".join(notes) if notes else "")
    return modal_of("The whole answer", _fitting(rich(markdown)))


def trouble(given: Trouble) -> Message:
    """What happened, the next step, and the request id: never nothing."""
    sentence = sentences(given.detail, given.hint) or "Something went wrong on our side."
    blocks = [
        section(f":warning: {escaped(sentence)}"),
        context(f"Request id: {shown(given.request_id, 80)}"),
    ]
    if given.retryable:
        blocks.append(actions(button("Try again", "again", {}, style="primary")))
    text = escaped(shortened(f"{sentence} Request id: {given.request_id}", NOTIFICATION))
    return Message(text, tuple(blocks))


def refusal(error: ApiError) -> Message:
    """What the platform says to one person, where there is nothing to press."""
    problem = error.problem
    return trouble(Trouble(problem.code, problem.detail, problem.hint, problem.request_id or "-"))


def _body(text: str, urls: Mapping[int, str], room: int) -> tuple[list[Block], bool]:
    """Blocks, and whether they hold all of it."""
    blocks: list[Block] = []
    tables = 0
    for part in parts_of(text):
        if isinstance(part, Table) and not tables and _cells(part) <= min(TABLE, room):
            blocks.append(_table(part, urls))
            tables, room = 1, room - size(blocks[-1])
            continue
        markdown = part.as_text() if isinstance(part, Table) else with_links(part.text, urls)
        room -= len(_BETWEEN)
        first, *more = pieces(markdown, room) if room >= 200 else ("", markdown)
        if first:
            _append(blocks, first)
        room -= len(first)
        if more:
            return blocks, False
    return blocks or [{"type": "markdown", "text": "There is no text in this answer."}], True


def _append(blocks: list[Block], markdown: str) -> None:
    """To the Markdown above, so that an answer of many tables is not one of many blocks."""
    if blocks and blocks[-1]["type"] == "markdown":
        blocks[-1]["text"] += f"{_BETWEEN}{markdown}"
    else:
        blocks.append({"type": "markdown", "text": markdown})


def _cells(table: Table) -> int:
    return sum(len(cell) or 1 for row in table.rows for cell in row)


def _table(table: Table, urls: Mapping[int, str]) -> Block:
    links = {f"[{n}]": url for n, url in urls.items()}
    return {
        "type": "table",
        "rows": [[_cell(cell, links, bold=not at) for cell in row] for at, row in enumerate(table.rows)],
        "column_settings": [{"is_wrapped": True} for _ in table.rows[0]],
    }


def _cell(text: str, links: Mapping[str, str], *, bold: bool) -> Block:
    cited = any(mark in text for mark in links)
    if not cited and not (bold and text.strip()):
        return {"type": "raw_text", "text": text or " "}
    runs = [_styled(run, bold) for run in inline(text, links)]
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": runs}]}


def _styled(run: Block, bold: bool) -> Block:
    if run["type"] == "link":
        run = {**run, "text": marker(int(str(run["text"]).strip("[]")))}
    return {**run, "style": {"bold": True}} if bold else run


def _below(given: Answer, shared: bool, complete: bool) -> list[Block]:
    blocks = sources_of(given.citations)
    if shared and given.outcome == "not_found":
        blocks.append(context(_EVERYONES))
    if given.degraded:
        blocks.append(context(f":warning: {escaped(missing(given.degraded))}"))
    buttons: list[Block] = []
    if not complete or not are_listed(given.citations):
        more = {"session": str(given.session_id), "message": str(given.message_id)}
        buttons.append(button("Show more", "more", more))
    if shared:
        which = {"session": str(given.session_id), "message": str(given.message_id)}
        buttons.append(button("Answer me privately", "privately", which))
    if buttons:
        blocks.append(actions(*buttons))
    if given.outcome != "refused":
        blocks.append(_feedback(given.message_id))
    return blocks


def _feedback(message_id: UUID) -> Block:
    def vote(label: str, vote: str) -> Block:
        return {
            "text": plain(label, 75),
            "accessibility_label": label,
            "value": packed({"message": str(message_id), "vote": vote}),
        }

    return {
        "type": "context_actions",
        "elements": [
            {
                "type": "feedback_buttons",
                "action_id": "vote",
                "positive_button": vote("Good answer", "up"),
                "negative_button": vote("Bad answer", "down"),
            }
        ],
    }


def _notification(text: str) -> str:
    return escaped(shortened(without_marks(text), NOTIFICATION)) or "An answer."


def _fitting(blocks: Sequence[Block]) -> list[Block]:
    """As many as a view holds, and a word where some are missing."""
    kept: list[Block] = []
    room = _VIEW
    for block in blocks:
        room -= text_length(block)
        if len(kept) == 99 or room < 0:
            return [*kept, section("_The rest does not fit here; ask for a part of it._")]
        kept.append(block)
    return kept or [section("There is no text in this answer.")]
