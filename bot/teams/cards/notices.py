"""What we say beside answers: greetings, help, linking, bookings, jobs, news. One idea a card."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from bot.core.plain import shortened
from bot.core.telling import Told, booking_told, job_told, progress, tool_told
from bot.teams.cards.elements import (
    Card,
    Element,
    buttons,
    card,
    exactly,
    execute,
    facts,
    heading,
    open_page,
    ours,
    said,
    writes,
)
from bot.teams.cards.texts import when
from kit.wire.channels import LinkState
from kit.wire.library import Job

WAYS: Final = (
    "**Ask here**, or mention me in a channel or a group chat: there I use only what everyone may read.",
    "**Book a meeting**: say with whom, about what and when; I ask for the rest.",
    "**Send me a file** in this chat: I read it into your own documents, which only you see.",
    "**On any message**, *More actions*: “Ask about this”. In any chat, find a document with my search.",
)
_PROMISE: Final = "Every fact in an answer has its source; its number opens the place. I can be wrong: look."
_SIGNS: Final = {"done": "✔ ", "waits": "⌛ ", "wrong": "⚠ ", "stopped": "✖ ", "news": ""}
_BOOKED: Final = {
    "confirmed": "Your meeting is booked",
    "not_booked": "Your meeting is not booked",
    "moved": "Your meeting has moved",
    "not_moved": "Your meeting has not moved",
    "cancelled": "Your meeting is cancelled",
}
_FACTS: Final = (
    ("With", "host"),
    ("About", "topic"),
    ("Where", "location"),
    ("Length", "duration"),
    ("Invitation", "invitation"),
)
Prompts = Sequence[tuple[str, str]]


def welcome(prompts: Prompts, name: str = "", direct: bool = True) -> Card:
    """`prompts`: (title, message), as core.words.prompts; `direct`: only the person reads it."""
    hello = f"Hello {shortened(name, 60)}!" if name.strip() else "Hello!"
    text = "Ask me in your own words: I answer from your organisation's documents, with their sources."
    body = [heading(hello), ours(text), *map(ours, WAYS), *_prompted(prompts, direct)]
    return card(body, spoken=f"{hello} {text}")


def help_(prompts: Prompts = (), direct: bool = True) -> Card:
    body = [heading("How I can help"), *map(ours, WAYS), ours(_PROMISE, subtle=True)]
    return card([*body, *_prompted(prompts, direct)], spoken="How I can help")


def _prompted(prompts: Prompts, direct: bool) -> list[Element]:
    """In a direct chat the press writes the question; elsewhere nobody would have mentioned us."""
    return [
        buttons(writes(title, text) if direct else execute(title, "prompt", {"text": text[:1_000]}))
        for title, text in prompts[:6]
    ]


def link(given: LinkState, base_url: str) -> Card:
    """For the person alone: whoever has the code and signs in would link this account to theirs."""
    if given.linked:
        return notice(f"Your Teams account is linked to {given.user_name or 'your account'}. Just ask.")
    text = "Before I can answer, link your Teams account to your account in your organisation."
    if not given.code:
        return notice(f"{text} There is no code at the moment: write to me again in a minute.")
    until = f" It is good until {when(given.expires_at)}." if given.expires_at else ""
    body = [
        heading("Link your account"),
        ours(text),
        ours("**1.** Sign in with your account in the organisation at"),
        *exactly(base_url),
        ours("**2.** Confirm this code, for example in a terminal:"),
        *exactly(f"switchboard link {given.code}"),
        ours("**3.** Ask again here."),
        ours(f"Give this code to nobody: it links *your* Teams account.{until}", subtle=True),
        *(buttons(page) for page in open_page("Open the sign-in page", base_url, "positive")),
    ]
    return card(body, spoken=text)


def booked(payload: Mapping[str, Any]) -> Card:
    """booking.finished {what, text}; where it tells more ({start, end, tz, host, topic, location, …}), its
    facts."""
    told = booking_told(payload)
    title = _BOOKED.get(str(payload.get("what", "")), "News of your booking")
    body = [heading(title), *_starts(payload), *facts(_told_facts(payload)), *said(told.plain())]
    return card(body, spoken=f"{title}. {told.text}")


def _starts(payload: Mapping[str, Any]) -> list[Element]:
    """In the reader's own zone."""
    try:
        start = datetime.fromisoformat(str(payload["start"]))
    except (KeyError, ValueError):
        return []
    return [ours(f"**{when(start)}**")] if start.tzinfo else []


def _told_facts(payload: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name, str(payload[key])) for name, key in _FACTS if payload.get(key)]


def job(given: Mapping[str, Any] | Job) -> Card:
    """A job on its way, or the payload of job.finished."""
    if isinstance(given, Job):
        return notice(f"⌛ {progress(given)}")
    return told(job_told(given, details="The list of your documents"))


def quarantined(payload: Mapping[str, Any]) -> Card:
    """tool.quarantined"""
    return told(tool_told(payload))


def told(given: Told) -> Card:
    text = given.text.replace("{name}", given.name)
    body = [*said(_SIGNS[given.sign] + text), *said("\n".join(given.more), subtle=True)]
    return card(body, spoken=text)


def notice(text: str) -> Card:
    """One paragraph or more, as text."""
    words = text.strip() or "Something went wrong on our side."
    return card(said(words[:4_000]), spoken=words)
