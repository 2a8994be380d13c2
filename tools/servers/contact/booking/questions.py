"""What is asked after the form: which slot, and whether it is to be booked so."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from tools.servers.asking import Elicitation
from tools.servers.contact.effects.facts import Facts
from tools.servers.contact.effects.sentences import local
from tools.servers.contact.letters import ConsentText
from tools.servers.contact.times.shapes import Slot

OTHER: Final = "other"
BOOK: Final = "book"
STOP: Final = "stop"
CANCEL: Final = "cancel"
KEEP: Final = "keep"


def choice(name: str, title: str, message: str, options: Sequence[tuple[str, str]]) -> Elicitation:
    """options: (const, title)."""
    field = {
        "type": "string",
        "title": title,
        "oneOf": [{"const": const, "title": shown} for const, shown in options],
    }
    return Elicitation(message, {name: field}, required=(name,), kind="choice")


def slots(offered: Sequence[Slot], tz: str, message: str) -> Elicitation:
    options = [(slot.start.isoformat(), titled(slot, tz)) for slot in offered]
    return choice("slot", "Time", f"{message} Times are those of {tz}.", [*options, (OTHER, "Other times")])


def titled(slot: Slot, tz: str) -> str:
    """'Tue 1 Dec 2026, 14:00–14:30 (UTC+11:00)'."""
    start, end = (moment.astimezone(ZoneInfo(tz)) for moment in (slot.start, slot.end))
    offset = start.strftime("%z")
    return f"{start:%a} {start.day} {start:%b %Y, %H:%M}–{end:%H:%M} (UTC{offset[:3]}:{offset[3:5]})"


def confirm(facts: Facts, slot: Slot, consent: ConsentText) -> Elicitation:
    minutes = int((slot.end - slot.start).total_seconds() // 60)
    lines = [
        "Shall it be booked like this?",
        f"Topic: {facts.topic}",
        f"When: {local(facts, slot.start)}, {minutes} minutes",
        f"With: {facts.host}",
        *([f"Where: {facts.location}"] if facts.location else []),
        f"For: {facts.guest.name}, {facts.email}{', ' + facts.phone if facts.phone else ''}",
        *([f"Company: {facts.company}"] if facts.company else []),
        *([f"Message: {facts.message}"] if facts.message else []),
        f"You have agreed: {consent.privacy}" + (f" {consent.contact}" if facts.contact else ""),
    ]
    options = [(BOOK, "Book it"), (OTHER, "Other times"), (STOP, "Do not book")]
    return choice("decision", "Your decision", "\n".join(lines), options)


def confirm_move(facts: Facts, was: datetime, slot: Slot) -> Elicitation:
    message = (
        f'Shall your meeting with {facts.host} about "{facts.topic}" be moved?\n'
        f"From: {local(facts, was)}\nTo: {local(facts, slot.start)}"
    )
    options = [("move", "Move it"), (OTHER, "Other times"), (KEEP, "Leave it as it is")]
    return choice("decision", "Your decision", message, options)


def confirm_cancel(facts: Facts, start: datetime) -> Elicitation:
    meeting = f'your meeting with {facts.host} about "{facts.topic}"'
    message = f"Shall {meeting} on {local(facts, start)} be cancelled?"
    return choice("decision", "Your decision", message, [(CANCEL, "Cancel it"), (KEEP, "Keep it")])
