"""The parts of an Adaptive Card 1.5, as dicts: dark and light, wide and narrow, with nothing fixed.

`ours` texts are Markdown that we wrote; everything else is a text of somebody else's and is never markup.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal

from bot.core.plain import opens, shortened
from bot.teams.cards.texts import escaped, plain, when

Element = dict[str, Any]
Card = dict[str, Any]
Color = Literal["default", "accent", "good", "warning", "attention"]
Style = Literal["default", "positive", "destructive"]
LIMIT: Final = 25_000
"""Bytes of a card on the wire: Teams takes about 28 KB in a message, addresses and mentions included."""
TITLE: Final = 200
BUTTON: Final = 60
SCHEMA: Final = "http://adaptivecards.io/schemas/adaptive-card.json"
_TYPE: Final = "application/vnd.microsoft.card.adaptive"
_LINES: Final = 60
"""Blocks of one text; the lines beyond stand together in the last one."""
_NBSP: Final = "\u00a0"


def card(
    body: Sequence[Element],
    actions: Sequence[Element] = (),
    *,
    spoken: str,
    refresh: Element | None = None,
) -> Card:
    """`spoken`: what old clients and notifications say."""
    made: Card = {
        "type": "AdaptiveCard",
        "$schema": SCHEMA,
        "version": "1.5",
        "fallbackText": plain(shortened(spoken, 500)),
        "body": list(body),
    }
    if actions:
        made["actions"] = list(actions)
    return {**made, "refresh": refresh} if refresh else made


def attachment(made: Card) -> dict[str, Any]:
    return {"contentType": _TYPE, "content": made}


def message(made: Card, text: str = "") -> dict[str, Any]:
    """An activity that shows it; `text` stands above."""
    shown: dict[str, Any] = {"type": "message", "attachments": [attachment(made)]}
    shown["summary"] = made["fallbackText"]
    return {**shown, "text": text, "textFormat": "markdown"} if text else shown


def weight(made: Any) -> int:
    """Bytes, as they are sent at the worst: everything but ASCII as its escape."""
    return len(json.dumps(made, separators=(",", ":")))


def refreshed(verb: str, data: Mapping[str, Any], mri: str) -> Element | None:
    """For the one person whose card is their own; None where Teams has not told us who that is."""
    return {"action": execute("Refresh", verb, data), "userIds": [mri]} if mri else None


def heading(text: str) -> Element:
    block = {"type": "TextBlock", "text": escaped(text, TITLE) or "–", "wrap": True}
    return {**block, "size": "Medium", "weight": "Bolder", "style": "heading"}


def ours(markdown: str, *, subtle: bool = False, color: Color = "default") -> Element:
    block: Element = {"type": "TextBlock", "text": markdown, "wrap": True}
    if color != "default":
        block["color"] = color
    return {**block, "isSubtle": True, "spacing": "Small"} if subtle else block


def open_until(who: str, moment: datetime) -> Element:
    return ours(f"{escaped(who, TITLE)} · open until {when(moment)}", subtle=True)


def said(
    text: str, *, subtle: bool = False, color: Color = "default", spacing: str = "Default"
) -> list[Element]:
    """Somebody's words, one block a line."""
    style: Element = {"isSubtle": True} if subtle else {}
    if color != "default":
        style["color"] = color
    return _lines(plain(text), style, spacing)


def exactly(text: str) -> list[Element]:
    """In letters of one width, indented as it is."""
    lines = "\n".join(_indented(line) for line in text.split("\n"))
    return [
        {"type": "Container", "style": "emphasis", "items": _lines(plain(lines), {"fontType": "Monospace"})}
    ]


def _indented(line: str) -> str:
    bare = line.lstrip(" ")
    return _NBSP * (len(line) - len(bare)) + bare


def _lines(text: str, style: Mapping[str, Any], spacing: str = "Default") -> list[Element]:
    lines = [line for line in text.split("\n") if line.strip()]
    if len(lines) > _LINES:
        lines = [*lines[: _LINES - 1], " ⏎ ".join(lines[_LINES - 1 :])]
    return [
        {
            "type": "RichTextBlock",
            "inlines": [{"type": "TextRun", "text": line, **style}],
            **({"spacing": "None" if number else spacing} if number or spacing != "Default" else {}),
        }
        for number, line in enumerate(lines)
    ]


def quoted(text: str) -> list[Element]:
    """Somebody else's words, set off from ours, so that they cannot pass for ours."""
    lines = _lines(plain(text), {})
    return [{"type": "Container", "style": "emphasis", "items": lines}] if lines else []


def facts(pairs: Sequence[tuple[str, str]]) -> list[Element]:
    """Names are ours, values anybody's."""
    return [
        {
            "type": "RichTextBlock",
            "spacing": "Small",
            "inlines": [
                {"type": "TextRun", "text": f"{name}: ", "weight": "Bolder"},
                {"type": "TextRun", "text": plain(shortened(value, 500))},
            ],
        }
        for name, value in pairs
        if value.strip()
    ]


def buttons(*elements: Element) -> Element:
    return {"type": "ActionSet", "actions": list(elements)}


def execute(
    title: str,
    verb: str,
    data: Mapping[str, Any],
    *,
    style: Style = "default",
    inputs: bool = False,
) -> Element:
    """`inputs`: what is filled in is checked and comes along."""
    made: Element = {
        "type": "Action.Execute",
        "title": plain(shortened(title, BUTTON)) or "–",
        "verb": verb,
        "data": dict(data),
        "associatedInputs": "auto" if inputs else "none",
    }
    return {**made, "style": style} if style != "default" else made


def row(text: str, press: Element) -> Element:
    """All of the text, whatever the width; the whole row is one button."""
    items = _lines(plain(text), {"weight": "Bolder"})
    return {
        "type": "Container",
        "style": "emphasis",
        "selectAction": press,
        "items": items,
        "spacing": "Small",
    }


def writes(title: str, text: str) -> Element:
    """A button that writes `text` in the person's own name."""
    data = {"msteams": {"type": "imBack", "value": text}}
    return {"type": "Action.Submit", "title": plain(shortened(title, BUTTON)), "data": data}


def open_page(title: str, url: str, style: Style = "default") -> Iterator[Element]:
    """Nothing where it is no address that a browser opens."""
    if opens(url):
        made: Element = {"type": "Action.OpenUrl", "title": title, "url": url}
        yield {**made, "style": style} if style != "default" else made


def linked(url: str, text: str) -> Element:
    """A run of rich text that opens the page."""
    run: Element = {"type": "TextRun", "text": plain(text), "color": "Accent", "underline": True}
    return (
        {**run, "selectAction": {"type": "Action.OpenUrl", "url": url}}
        if opens(url)
        else {
            "type": "TextRun",
            "text": plain(text),
        }
    )


def run(text: str, *, subtle: bool = False, bold: bool = False) -> Element:
    made: Element = {"type": "TextRun", "text": plain(text)}
    made |= {"isSubtle": True} if subtle else {}
    return {**made, "weight": "Bolder"} if bold else made


def rich(*inlines: Element, spacing: str = "Small") -> Element:
    return {"type": "RichTextBlock", "inlines": list(inlines), "spacing": spacing}


def within(groups: Sequence[Sequence[Element]], room: int) -> tuple[list[Element], int]:
    """As many groups as fit into so many bytes, and how many are missing."""
    kept: list[Element] = []
    for number, group in enumerate(groups):
        room -= sum(weight(element) + 1 for element in group)
        if room < 0:
            return kept, len(groups) - number
        kept += group
    return kept, 0
