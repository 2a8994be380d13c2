"""Which times are offered, and the question about them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from kit.errors import SwitchboardError
from tools.servers.asking import Asks, Elicitation
from tools.servers.contact.booking import fields, questions
from tools.servers.contact.booking.draft import Draft
from tools.servers.contact.booking.errors import CalendarDown, CalendarSaysNo
from tools.servers.contact.booking.office import Office
from tools.servers.contact.effects import sentences
from tools.servers.contact.people import Owner
from tools.servers.contact.times.hosts import Host
from tools.servers.contact.times.shapes import Slot, Wanted, Window

OFFERED = 5
WHEN = fields.Field(
    "When else suits you?", {"type": "string", "maxLength": 200}, fields.window_of, True, fields.WHEN
)


@dataclass(frozen=True, slots=True)
class Place:
    """Whom one meets, for how long, in whose clock."""

    owner: Owner
    host: Host
    duration: timedelta
    tz: str


async def ask_slot(office: Office, place: Place, draft: Draft, note: str = "") -> Asks:
    """Times after those that were shown; none left in sight: another window. Raises CalendarDown."""
    window = draft.window
    if window is None:
        return ask_window(draft, "When would suit you?")
    found = await _found(office, place, draft, window)
    if not found:
        return ask_window(draft, f"{note} Nothing is free then, nor in the weeks after.".strip())
    inside = sum(slot.start < window.end for slot in found)
    said = note or _said(inside, len(found), again=bool(draft.shown))
    shown = (*draft.shown, *(slot.start for slot in found))
    offered = replace(draft, step="slot", offered=found, shown=shown, slot=None)
    return Asks({"slot": questions.slots(found, place.tz, said)}, offered.state())


def ask_window(draft: Draft, message: str, given: Mapping[str, Any] | None = None, fault: str = "") -> Asks:
    faults = {"window": fault} if fault else {}
    form: Elicitation = fields.ask({"window": WHEN}, message, given, faults)
    return Asks({"window": form}, replace(draft, step="window", shown=()).state())


def chosen(draft: Draft, given: Mapping[str, Any]) -> Slot | None:
    """None: other times."""
    return next((slot for slot in draft.offered if slot.start.isoformat() == given.get("slot")), None)


def calendar_failed(phone: str, what: str, *, retryable: bool) -> SwitchboardError:
    """what: what has become of what was asked, one sentence."""
    if retryable:
        return CalendarDown(sentences.calendar_down(phone, what), retry_after=60)
    return CalendarSaysNo(f"The calendar did not take it. {what}{sentences.call_us(phone)}")


async def _found(office: Office, place: Place, draft: Draft, window: Window) -> tuple[Slot, ...]:
    """Of the window; where there are too few, of the next one with something free, too."""
    wanted = Wanted(
        participants=tuple(person.email for person in place.host.people),
        duration=place.duration,
        start=window.start,
        end=window.end,
        now=office.desk.clock.now(),
        tz=place.tz,
        hours=(place.host.hours,),
        min_slots=OFFERED,
        part_of_day=window.part_of_day,
        around=window.around,
        shown=frozenset(draft.shown),
    )
    try:
        found = await office.systems.ask_calendar(lambda: office.desk.find(place.owner, wanted))
        further = found.next_window
        if len(found.slots) >= OFFERED or further is None:
            return found.slots
        more = replace(wanted, start=further.start, end=further.end, around=None)
        later = await office.systems.ask_calendar(lambda: office.desk.find(place.owner, more))
        return (*found.slots, *later.slots)[:OFFERED]
    except SwitchboardError as error:
        if error.status < 500:
            raise
        failed = calendar_failed(place.host.phone, sentences.NOTHING_DONE, retryable=error.retryable)
        raise failed from error


def _said(inside: int, all_: int, *, again: bool) -> str:
    if inside == all_:
        return "Here are other times." if again else "These times are free."
    if inside == 0:
        return "Nothing is free then. These are the next free times."
    return (
        f"Only {inside} {'time is' if inside == 1 else 'times are'} free then; the others are the next ones."
    )
