"""The parts of Slack's messages and views, as dicts, within what Slack allows of each (Block Kit).

Text of people, documents and tools goes into `plain_text`, into rich text or, escaped, into `mrkdwn`: in none
of them is it markup, and none of them pings.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, cast

from bot.core.plain import opens, shortened
from bot.slack.happened import Press
from bot.slack.text import escaped, neutral

Block = dict[str, Any]
Style = Literal["primary", "danger"]
SECTION, LABEL, BUTTON, BUTTON_VALUE, BUTTON_URL, OPTION, HEADER = 3_000, 2_000, 75, 2_000, 3_000, 75, 150
MESSAGE = 12_900
"""Characters of all text in a message's blocks: from about 13,100 on Slack says `msg_blocks_too_long`."""
CONTEXT = 2_000
MESSAGE_BLOCKS, VIEW_BLOCKS, METADATA, VIEW_TITLE = 50, 100, 3_000, 24
NOTIFICATION = 780
"""Characters of a message's `text`, which notifications show; the blocks are the message."""
CODE = 2_900
"""Characters of code in one block."""


def plain(text: str, limit: int) -> Block:
    return {"type": "plain_text", "text": shortened(neutral(text), limit) or "–", "emoji": False}


def mrkdwn(text: str) -> Block:
    """Text that is already escaped."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def section(text: str) -> Block:
    return {"type": "section", "text": mrkdwn(text)}


def context(*texts: str) -> Block:
    return {"type": "context", "elements": [mrkdwn(text) for text in texts]}


def header(text: str) -> Block:
    return {"type": "header", "text": plain(text, HEADER)}


def divider() -> Block:
    return {"type": "divider"}


def actions(*elements: Block) -> Block:
    return {"type": "actions", "elements": list(elements)}


def code(text: str) -> list[Block]:
    """Exactly this text: rich text knows no markup."""
    return [
        {
            "type": "rich_text",
            "elements": [{"type": "rich_text_preformatted", "elements": [{"type": "text", "text": piece}]}],
        }
        for piece in cut(text, CODE)
    ]


def quoted(text: str) -> list[Block]:
    """Somebody else's words, set off from ours, so that they cannot pass for ours."""
    return [
        {
            "type": "rich_text",
            "elements": [{"type": "rich_text_quote", "elements": [{"type": "text", "text": piece}]}],
        }
        for piece in cut(neutral(text).strip(), CODE)
    ]


def button(
    label: str,
    press: Press,
    value: Mapping[str, Any],
    *,
    apart: str = "",
    style: Style | None = None,
    confirm: Block | None = None,
) -> Block:
    """`apart` tells buttons of one press in one message apart. Raises ValueError: the value is too long."""
    if len(packed(value)) > BUTTON_VALUE:
        raise ValueError(f"a button carries at most {BUTTON_VALUE} characters")
    made: Block = {
        "type": "button",
        "text": plain(label, BUTTON),
        "action_id": action_id(press, apart),
        "value": packed(value),
    }
    if style:
        made["style"] = style
    if confirm:
        made["confirm"] = confirm
    return made


def link_button(label: str, url: str, press: Press = "connect", style: Style | None = None) -> Block | None:
    """None where Slack would not take the address."""
    if not opens(url) or len(url) > BUTTON_URL:
        return None
    made: Block = {"type": "button", "text": plain(label, BUTTON), "action_id": action_id(press), "url": url}
    return {**made, "style": style} if style else made


def confirmation(title: str, text: str, yes: str, no: str = "Go back", *, danger: bool = False) -> Block:
    made: Block = {
        "title": plain(title, 100),
        "text": plain(text, 300),
        "confirm": plain(yes, 30),
        "deny": plain(no, 30),
    }
    return {**made, "style": "danger"} if danger else made


def action_id(press: Press, apart: str = "") -> str:
    return f"{press}:{apart}"[:255] if apart else press


def packed(value: Mapping[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def when(moment: datetime) -> str:
    """In the reader's own time zone; for mrkdwn."""
    fallback = moment.strftime("%Y-%m-%d %H:%M %Z").strip()
    return f"<!date^{int(moment.timestamp())}^{{date_short_pretty}} {{time}}|{fallback}>"


def cut(text: str, limit: int) -> list[str]:
    """All of it, in pieces; between lines or words where that can be."""
    return list(_pieces(text, limit))


def _pieces(text: str, limit: int) -> Iterator[str]:
    while len(text) > limit:
        found = max(text.rfind("\n", limit // 2, limit), 0) or max(text.rfind(" ", limit // 2, limit), 0)
        at = found + 1 if found else limit
        yield text[:at]
        text = text[at:]
    if text:
        yield text


def within(lines: Sequence[str], room: int) -> list[str]:
    """As many lines as fit, and how many are missing."""
    kept: list[str] = []
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            return [*kept, f"and {len(lines) - len(kept)} more"]
        kept.append(line)
    return kept


def size(part: Any) -> int:
    """Characters of text, as Slack counts them for a whole message."""
    if isinstance(part, dict):
        pairs = cast(dict[str, Any], part).items()
        return sum(len(v) if k == "text" and isinstance(v, str) else size(v) for k, v in pairs)
    if isinstance(part, list | tuple):
        return sum(size(each) for each in cast(Sequence[Any], part))
    return 0


def listed(lines: Sequence[str], limit: int = SECTION) -> list[str]:
    """Lines (escaped, each shorter than `limit`) joined into as few texts as hold them."""
    texts: list[str] = []
    for line in lines:
        if texts and len(texts[-1]) + 1 + len(line) <= limit:
            texts[-1] += f"\n{line}"
        else:
            texts.append(line)
    return texts


def modal_of(
    title: str,
    blocks: Sequence[Block],
    *,
    submit: str = "",
    close: str = "Close",
    callback: str = "",
    about: Mapping[str, Any] | None = None,
) -> Block:
    """Raises ValueError: `about` is too long."""
    view: Block = {
        "type": "modal",
        "title": plain(title, VIEW_TITLE),
        "close": plain(close, VIEW_TITLE),
        "blocks": list(blocks),
    }
    if submit:
        view["submit"] = plain(submit, VIEW_TITLE)
    if callback:
        view["callback_id"] = callback
    if about is not None:
        view["private_metadata"] = packed(about)
        if len(view["private_metadata"]) > METADATA:
            raise ValueError(f"a view carries at most {METADATA} characters")
    return view


def shown(text: str, limit: int) -> str:
    """On one line, for mrkdwn."""
    return escaped(shortened(text, limit))
