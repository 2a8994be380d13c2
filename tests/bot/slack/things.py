"""Neutral things to be shown, small and whole; and what Slack would say to what is shown."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

from bot.core.reply import Answer
from bot.slack.happened import Message
from kit.wire.chat import Citation, Outcome
from kit.wire.interactions import Form, Interaction
from tests.slack import limits

NOW = datetime(2026, 7, 28, 4, 30, tzinfo=UTC)
ID = UUID("0b7d2f0e-52ce-4d8f-9a55-0d0a3d2a7c11")
OTHER = UUID("5c0a2f7e-3b1d-4c1e-8e90-3b1c9d8f6a22")
PING = re.compile(r"<[@#]|<!(?!date\^)|@(?:channel|here|everyone)\b", re.IGNORECASE)


def cited(n: int = 1, **over: Any) -> Citation:
    given: dict[str, Any] = {
        "n": n,
        "sentence": "Full-time staff get 3 weeks.",
        "doc_id": ID,
        "chunk_id": OTHER,
        "url": f"https://sb.example/api/v1/documents/{ID}/content?quote=3%20weeks#annual-leave",
        "title": "Leave",
        "section": "Annual leave",
        "page": 2,
        "quote": "Full-time staff get 3 weeks of leave.",
        "confidence": 0.97,
    }
    return Citation.model_validate({**given, **over})


def answered(
    text: str,
    citations: Sequence[Citation] = (),
    outcome: Outcome = "answered",
    degraded: Sequence[str] = (),
) -> Answer:
    return Answer(outcome, text, tuple(citations), tuple(degraded), ID, OTHER, "r-1")


def asked(kind: str, *forms: Form, **over: Any) -> Interaction:
    given: dict[str, Any] = {
        "id": ID,
        "kind": kind,
        "status": "open",
        "title": "May files.remove be called?",
        "forms": [form.model_dump() for form in forms],
        "tool": "files.remove",
        "created_at": NOW,
        "expires_at": NOW,
    }
    return Interaction.model_validate({**given, **over})


def form(properties: Mapping[str, Any], required: Sequence[str] = (), **over: Any) -> Form:
    schema = {"type": "object", "properties": dict(properties), "required": list(required)}
    return Form.model_validate({"key": "k", "message": "Please tell me.", "requested_schema": schema, **over})


def refused_by_slack(message: Message) -> list[str]:
    """Empty: Slack takes it, and nobody is pinged."""
    payload = message.payload()
    return [*limits.of_message(payload), *pings(payload)]


def refused_view(view: Mapping[str, Any]) -> list[str]:
    return [*limits.of_view(view), *pings(view)]


def pings(payload: Mapping[str, Any]) -> list[str]:
    return [text for text in marked_up(payload) if PING.search(text)]


def marked_up(part: Any, key: str = "") -> list[str]:
    """What Slack reads for marks: mrkdwn, Markdown and a message's own text."""
    if isinstance(part, dict):
        given = cast(dict[str, Any], part)
        if given.get("type") in ("plain_text", "text", "raw_text", "link"):
            return []
        return [text for name, value in given.items() for text in marked_up(value, name)]
    if isinstance(part, list | tuple):
        return [text for one in cast(Sequence[Any], part) for text in marked_up(one, key)]
    return [part] if isinstance(part, str) and key == "text" else []


def words(part: Any) -> str:
    """All text that somebody reads."""
    if isinstance(part, dict):
        pairs = cast(dict[str, Any], part).items()
        return " ".join(v if k == "text" and isinstance(v, str) else words(v) for k, v in pairs)
    if isinstance(part, list | tuple):
        return " ".join(words(one) for one in cast(Sequence[Any], part))
    return ""


def buttons(message: Message) -> list[Mapping[str, Any]]:
    found = [block["elements"] for block in message.blocks if block["type"] == "actions"]
    return [element for elements in found for element in elements]
