"""What the tools answer, from what is really done."""

from collections.abc import Sequence

from tools.servers.contact.effects import sentences
from tools.servers.contact.effects.content import entered_of, placed_of
from tools.servers.contact.effects.facts import Facts
from tools.servers.contact.shapes import (
    Booked,
    BookedEmail,
    BookedLead,
    Changed,
    CreatedEvent,
    Meeting,
    Meetings,
)
from tools.servers.contact.store.models import BookingRow, EffectRow


def booked(row: BookingRow, effects: Sequence[EffectRow]) -> Booked:
    """Of the round in which it was booked; what has become of it since stands in the summary."""
    latest = latest_round(effects)
    return Booked(
        booking_id=row.id,
        event=_event(effects),
        email=_email(latest),
        crm=_lead(latest),
        summary=sentences.summary(row, latest),
    )


def changed(row: BookingRow, effects: Sequence[EffectRow]) -> Changed:
    latest = latest_round(effects)
    return Changed(
        booking_id=row.id,
        event=_event(effects),
        email=_email(latest),
        summary=sentences.summary(row, latest),
    )


def listed(rows: Sequence[BookingRow]) -> Meetings:
    meetings = [_meeting(row) for row in rows]
    return Meetings(bookings=meetings, summary=_told(rows))


def latest_round(effects: Sequence[EffectRow]) -> list[EffectRow]:
    return [one for one in effects if one.key == effects[-1].key] if effects else []


def _meeting(row: BookingRow) -> Meeting:
    facts = Facts.of(row)
    states = {"booking": "unfinished", "undoing": "unfinished", "booked": "booked", "cancelled": "cancelled"}
    return Meeting.model_validate(
        {
            "booking_id": row.id,
            "topic": facts.topic,
            "start": row.start_at,
            "end": row.end_at,
            "tz": facts.tz,
            "host": facts.host,
            "location": facts.location,
            "state": states[row.state],
        }
    )


def _told(rows: Sequence[BookingRow]) -> str:
    if not rows:
        return "You have no meetings booked."
    lines = [_line(row) for row in rows]
    head = "You have one meeting:" if len(lines) == 1 else f"You have {len(lines)} meetings:"
    return "\n".join([head, *lines])


def _line(row: BookingRow) -> str:
    facts = Facts.of(row)
    more = {"booking": " (not confirmed yet)", "undoing": " (not booked)", "cancelled": " (cancelled)"}
    return (
        f'{sentences.local(facts, row.start_at)}: with {facts.host} about "{facts.topic}"'
        f"{more.get(row.state, '')}"
    )


def _event(effects: Sequence[EffectRow]) -> CreatedEvent | None:
    placed = next(
        (p for one in reversed(effects) if one.kind == "event" and (p := placed_of(one.result))), None
    )
    if placed is None:
        return None
    return CreatedEvent(
        event_id=placed.event_id,
        calendar_url=placed.calendar_url,
        created_at=placed.created_at,
        attendee_notifications_sent=placed.notified,
    )


def _email(effects: Sequence[EffectRow]) -> BookedEmail | None:
    row = next((one for one in effects if one.kind == "letter"), None)
    if row is None:
        return None
    return BookedEmail(
        sent=row.state == "done",
        queued=row.state in ("open", "doing"),
        in_doubt=True if row.state == "in_doubt" else None,
    )


def _lead(effects: Sequence[EffectRow]) -> BookedLead | None:
    row = next((one for one in effects if one.kind == "lead"), None)
    if row is None:
        return None
    entered = entered_of(row.result)
    return BookedLead(lead_id=entered.lead_id if entered else None, deferred=row.state != "done")
