"""The letters about a meeting: one set of facts, written as HTML and as plain text."""

from datetime import datetime
from zoneinfo import ZoneInfo

from tools.servers.contact.letters.facts import Kind, LetterFacts
from tools.servers.contact.letters.invitation import invitation
from tools.servers.contact.letters.rendering import render
from tools.servers.contact.mail.port import Letter, Method
from tools.servers.contact.people import Person

_SUBJECTS: dict[Kind, str] = {
    "confirmed": "Confirmed: {title}, {when}",
    "moved": "New time: {title}, {when}",
    "cancelled": "Cancelled: {title}, {when}",
}
_OPENINGS: dict[Kind, str] = {
    "confirmed": "Your meeting with {host} is booked.",
    "moved": "Your meeting with {host} has a new time.",
    "cancelled": "Your meeting with {host} is cancelled.",
}
_METHODS: dict[Kind, Method] = {"confirmed": "REQUEST", "moved": "REQUEST", "cancelled": "CANCEL"}


def letter_for(kind: Kind, facts: LetterFacts, stamp: datetime) -> Letter:
    """To the guest, with everybody else of the meeting in copy. stamp: when it is written (DTSTAMP).

    Carries the invitation (cancelled: its withdrawal), unless the calendar sends its own.
    """
    written = _written(kind, facts)
    event, method = facts.event, _METHODS[kind]
    attached = None if facts.calendar_notifies else invitation(event, method, event.sequence, stamp)
    return Letter(
        key=facts.key,
        to=(facts.guest,),
        cc=_others(facts),
        subject=_SUBJECTS[kind].format(title=_one_line(event.title), when=local_time(event.start, facts.tz)),
        html=render("letter.html.j2", written),
        text=render("letter.txt.j2", written),
        reply_to=event.organiser,
        thread_key=event.uid,
        invitation=attached,
        method=method if attached else None,
    )


def local_time(moment: datetime, tz: str) -> str:
    """'Tuesday 1 December 2026, 14:00 (Australia/Sydney, UTC+11:00)': a zone's letters alone mean too many
    things (CST), and its offset alone is forgotten at the next change of clocks."""
    local = moment.astimezone(ZoneInfo(tz))
    offset = local.strftime("%z")
    return f"{local:%A} {local.day} {local:%B %Y, %H:%M} ({tz}, UTC{offset[:3]}:{offset[3:5]})"


def _written(kind: Kind, facts: LetterFacts) -> dict[str, object]:
    name = _one_line(facts.guest.name)
    return {
        "greeting": f"Hello {name}," if name else "Hello,",
        "opening": _OPENINGS[kind].format(host=_one_line(facts.host)),
        "lines": _lines(kind, facts),
        "closing": _closing(kind, facts),
    }


def _lines(kind: Kind, facts: LetterFacts) -> list[tuple[str, str]]:
    event = facts.event
    lines = [("Topic", event.title), ("When", local_time(event.start, facts.tz))]
    if facts.was is not None and kind == "moved":
        lines.append(("Before", local_time(facts.was, facts.tz)))
    if event.tz != facts.tz:
        lines.append(("For the host", local_time(event.start, event.tz)))
    minutes = int((event.end - event.start).total_seconds() // 60)
    lines += [("Duration", f"{minutes} minutes"), ("With", facts.host)]
    if event.location and kind != "cancelled":
        lines.append(("Where", event.location))
    return [(name, _one_line(value)) for name, value in lines]


def _closing(kind: Kind, facts: LetterFacts) -> list[str]:
    """phone is a way out in every letter; how to cancel only where there is something to cancel."""
    closing = [facts.how_to_cancel] if kind != "cancelled" else []
    if facts.phone:
        closing.append(f"You can also call us: {facts.phone}.")
    return [_one_line(sentence) for sentence in (*closing, facts.organisation) if sentence]


def _others(facts: LetterFacts) -> tuple[Person, ...]:
    return tuple(one for one in facts.event.people if one.address != facts.guest.address)


def _one_line(text: str) -> str:
    """What people typed stays in its line of the plain text, too."""
    return " ".join(text.split())
