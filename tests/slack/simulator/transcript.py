# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# (JSON as Slack has it)
"""A conversation as text, as a person reads it: `print(transcript(slack, channel, by=maya.id))`.

[maya] How many days of annual leave do I earn?
    [Switchboard] 20 days (1).
    │ Sources
    │ (1) Working hours and leave › Annual leave · very high confidence
    │ [👍 Good answer] [👎 Bad answer]
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tests.slack.simulator.world import Json, Posted, View

if TYPE_CHECKING:
    from tests.slack.simulator.server import Slack

_LINK = re.compile(r"<(https?://[^|>]+)\|([^>]+)>")
_MARKDOWN_LINK = re.compile(r"\[([^\]]+)\]\((https?://[^)]+)\)")
_DATE = re.compile(r"<!date\^\d+\^[^|]*\|([^>]*)>")


def transcript(slack: "Slack", channel: str, *, by: str = "") -> str:
    """Threads below their first message; what only `by` sees is marked."""
    seen = slack.seen(channel, by=by)
    lines: list[str] = []
    for top in [one for one in seen if not one.thread or one.thread == one.ts]:
        lines += _message(slack, top, "")
        for reply in seen:
            if reply.thread == top.ts and reply.ts != top.ts:
                lines += _message(slack, reply, "    ")
    known = {one.ts for one in seen}
    for orphan in [one for one in seen if one.thread and one.thread not in known]:
        lines += _message(slack, orphan, "    ")
    return "\n".join(lines)


def view(shown: View) -> str:
    body = shown.body
    title = body.get("title", {}).get("text", "App Home")
    submit, close = (body.get(part, {}).get("text", "") for part in ("submit", "close"))
    lines = [f"┌─ {title}", *(f"│ {line}" for block in body["blocks"] for line in of_block(block))]
    errors = [f"│ ✗ {at}: {said}" for at, said in shown.errors.items()]
    return "\n".join([*lines, *errors, f"└─ [{close}] [{submit}]" if submit else "└─"])


def _message(slack: "Slack", posted: Posted, indent: str) -> list[str]:
    name = "Switchboard" if posted.app else slack.members[posted.user].name
    only = " (only you see this)" if posted.ephemeral else ""
    state = " …" if posted.streaming else ""
    text = _plain(posted.text) if posted.streamed or not posted.blocks else ""
    files = [f"📎 {one['name']}" for one in posted.files]
    rows = [*text.splitlines(), *files, *(line for block in posted.blocks for line in of_block(block))]
    head, *rest = rows or [""]
    return [f"{indent}[{name}]{only} {head}{state}", *(f"{indent}│ {row}" for row in rest)]


def of_block(block: Json) -> Iterator[str]:
    match block["type"]:
        case "header":
            yield f"━━ {block['text']['text']} ━━"
        case "section":
            accessory = f"   {_element(block['accessory'])}" if "accessory" in block else ""
            first, *rest = _plain(block["text"]["text"]).splitlines() or [""]
            yield first + accessory
            yield from rest
        case "context":
            for element in block["elements"]:
                yield from _plain(element["text"]).splitlines()
        case "markdown":
            yield from _plain(block["text"]).splitlines()
        case "divider":
            yield "─" * 20
        case "rich_text":
            for element in block["elements"]:
                yield from _rich(element)
        case "actions" | "context_actions":
            yield " ".join(_element(one) for one in block["elements"])
        case "input":
            optional = " (optional)" if block.get("optional") else ""
            yield f"{block['label']['text']}{optional}: {_element(block['element'])}"
            if hint := block.get("hint"):
                yield f"   {hint['text']}"
        case "table":
            for row in block["rows"]:
                yield " | ".join("".join(_texts(cell)) for cell in row)
        case other:
            yield f"({other})"


def _rich(element: Json) -> Iterator[str]:
    mark = {"rich_text_quote": "❝ ", "rich_text_preformatted": "‖ ", "rich_text_list": "• "}
    text = "".join(_texts(element))
    for line in text.rstrip("\n").splitlines():
        yield mark.get(element["type"], "") + line


def _element(element: Json) -> str:
    match element["type"]:
        case "button":
            sure = " (asks again)" if "confirm" in element else ""
            return f"[{element['text']['text']}{sure}]"
        case "feedback_buttons":
            both = (element[side]["text"]["text"] for side in ("positive_button", "negative_button"))
            return " ".join(f"[{one}]" for one in both)
        case kind if "options" in element:
            marks = "○" if kind == "radio_buttons" else "☐"
            return "  ".join(f"{marks} {one['text']['text']}" for one in element["options"])
        case kind:
            initial = next((str(v) for k, v in element.items() if k.startswith("initial_")), "")
            return f"<{kind}>{f' {initial}' if initial else ''}"


def _texts(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("text"), str):
            yield part["text"]
        for key, value in part.items():
            if key != "text":
                yield from _texts(value)
    elif isinstance(part, list):
        for one in part:
            yield from _texts(one)


def _plain(text: str) -> str:
    """As it is shown: links by their names, dates by their words, entities as signs."""
    shown = _DATE.sub(r"\1", _MARKDOWN_LINK.sub(r"\1", _LINK.sub(r"\2", text))).replace("\u2060", "")
    return shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
