"""What the person reads about a booking: whole sentences, from what is really done and what is not."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from tools.servers.contact.effects.facts import Facts
from tools.servers.contact.letters import local_time
from tools.servers.contact.store.models import BookingRow, EffectRow, EffectState

NOTHING_BOOKED: Final = "Nothing was booked."
NOTHING_DONE: Final = "Nothing was done."
NOTHING_CHANGED: Final = "Nothing was changed: your meeting stays as it is."


def call_us(phone: str) -> str:
    return f" You can also call {phone}." if phone else ""


def calendar_down(phone: str, what: str = NOTHING_BOOKED) -> str:
    """SPEC 11: says so with the phone number."""
    number = f", or call {phone}" if phone else ""
    return f"The calendar does not answer at the moment. {what} Please try again in a few minutes{number}."


def summary(booking: BookingRow, round_: Sequence[EffectRow]) -> str:
    """round_: the effects of one change of the booking."""
    facts = Facts.of(booking)
    states = {row.kind: row for row in round_}
    event = states.get("event")
    head = _head(facts, booking, event)
    rest = [_email(facts, states["letter"].state)] if "letter" in states else []
    rest += [_lead(states["lead"].state)] if "lead" in states else []
    return " ".join(sentence for sentence in (head, *rest) if sentence)


def _head(facts: Facts, booking: BookingRow, event: EffectRow | None) -> str:
    meeting = f'Your meeting with {facts.host} about "{facts.topic}"'
    verb = event.verb if event else "place"
    done = event is not None and event.state == "done"
    if verb == "remove":
        more = "" if done else " The calendar does not answer yet; the entry there is removed later."
        return f"{meeting} on {local(facts, booking.start_at)} is cancelled.{more}"
    if verb == "move" and event is not None:
        return _moved(facts, booking, event, meeting)
    if done:
        return f"{meeting} is booked for {local(facts, booking.start_at)}."
    return f"{meeting} on {local(facts, booking.start_at)} is not confirmed yet: you will be told."


def _moved(facts: Facts, booking: BookingRow, event: EffectRow, meeting: str) -> str:
    if event.state == "done":
        return f"{meeting} is now on {local(facts, booking.start_at)}."
    return (
        f"{meeting} is not moved yet: the calendar does not answer. It is tried again, and you will be told."
        + call_us(facts.host_phone)
    )


def not_booked(booking: BookingRow, why: str) -> str:
    facts = Facts.of(booking)
    when = local(facts, booking.start_at)
    return f'Your meeting about "{facts.topic}" on {when} could not be booked: {why}.' + call_us(
        facts.host_phone
    )


def not_moved(booking: BookingRow, why: str) -> str:
    facts = Facts.of(booking)
    when = local(facts, booking.start_at)
    return f'Your meeting about "{facts.topic}" could not be moved: {why}. It stays on {when}.' + call_us(
        facts.host_phone
    )


def local(facts: Facts, moment: datetime) -> str:
    return local_time(moment, facts.tz)


def _email(facts: Facts, state: EffectState) -> str:
    if state == "done":
        return f"The details were sent to {facts.email}."
    if state == "in_doubt":
        return (
            f"It is not certain that the e-mail to {facts.email} went out; it is not sent twice by itself."
            + call_us(facts.host_phone)
        )
    if state == "failed":
        return f"The e-mail to {facts.email} could not be delivered." + call_us(facts.host_phone)
    return f"The e-mail to {facts.email} could not be sent yet; it is queued and follows by itself."


def _lead(state: EffectState) -> str:
    if state == "done":
        return ""
    if state == "manual":
        return "Your details are captured; a colleague enters them into our records by hand."
    return "Your details are captured; they are entered into our records a little later."
