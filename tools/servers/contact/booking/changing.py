"""meetings.list, meetings.cancel, meetings.reschedule: with the same guarantees as booking."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from tools.servers.asking import Asks, Resumed
from tools.servers.contact.booking import fields, offering, questions
from tools.servers.contact.booking.answers import changed, listed
from tools.servers.contact.booking.draft import Draft
from tools.servers.contact.booking.errors import CalendarSaysNo, NoSuchBooking
from tools.servers.contact.booking.offering import Place
from tools.servers.contact.booking.office import Office
from tools.servers.contact.booking.which import named
from tools.servers.contact.effects import sentences
from tools.servers.contact.effects.facts import Facts
from tools.servers.contact.people import Owner
from tools.servers.contact.shapes import CancelMeeting, Changed, ListMeetings, Meetings, RescheduleMeeting
from tools.servers.contact.store.models import BookingRow
from tools.servers.contact.times import words
from tools.servers.contact.times.hosts import Host
from tools.servers.contact.times.shapes import Slot
from tools.servers.serving import Asker

KEPT = Changed(summary=sentences.NOTHING_CHANGED)
_NONE = Changed(summary="You have no meetings booked, so nothing was changed.")


async def listing(office: Office, asker: Asker, request: ListMeetings) -> Meetings:
    return listed(await office.keeping.coming(Owner.of(asker.principal), past=request.past))


async def cancel(
    office: Office, asker: Asker, request: CancelMeeting, resumed: Resumed | None
) -> Changed | Asks:
    """Which one, where that is not clear; then whether really. Raises NoSuchBooking, BookingChanging."""
    owner = Owner.of(asker.principal)
    if resumed is None:
        found = await _meant(office, owner, request.booking_id, request.which)
        return _which(found) if not isinstance(found, BookingRow) else _confirm_cancel(found)
    if "booking" in resumed.responses:
        row = await _picked(office, owner, resumed)
        return _confirm_cancel(row) if row else KEPT
    decision = resumed.responses.get("decision")
    if (
        decision is None
        or decision.action != "accept"
        or decision.content.get("decision") != questions.CANCEL
    ):
        return KEPT
    booking_id = UUID(resumed.state["booking_id"])
    await office.keeping.cancel(owner, booking_id, int(resumed.state["sequence"]))
    return await _done(office, owner, booking_id)


async def reschedule(
    office: Office, asker: Asker, request: RescheduleMeeting, resumed: Resumed | None
) -> Changed | Asks:
    """Which one, when, which slot, whether really. Raises as `cancel`, and CalendarDown."""
    call = _Moving(office, Owner.of(asker.principal), request)
    if resumed is None:
        found = await _meant(office, call.owner, request.booking_id, request.which)
        return _which(found) if not isinstance(found, BookingRow) else await call.begin(found)
    if "booking" in resumed.responses:
        row = await _picked(office, call.owner, resumed)
        return await call.begin(row) if row else KEPT
    draft = Draft.of(resumed.state)
    response = resumed.responses.get(draft.step)
    if response is None or response.action != "accept":
        return KEPT
    return await call.answered(draft, response.content)


class _Moving:
    def __init__(self, office: Office, owner: Owner, request: RescheduleMeeting) -> None:
        self.owner = owner
        self._office = office
        self._request = request

    async def begin(self, row: BookingRow) -> Asks:
        """said keeps the number of the change, so that the same answer again makes the same change."""
        draft = Draft(row.id, "window", said={"sequence": row.sequence + 1})
        window = None
        if self._request.window:
            window = words.window(self._request.window, self._now(), self._tz(row))
            if window is None:
                given = {"window": self._request.window}
                fault = f"This time was not understood, or it is over. {fields.WHEN}"
                return offering.ask_window(draft, "To when shall it be moved?", given, fault)
        return await self._offer(row, replace(draft, window=window))

    async def answered(self, draft: Draft, given: Any) -> Changed | Asks:
        row = await self._office.keeping.get(self.owner, draft.id)
        if draft.step == "window":
            return await self._window(row, draft, given)
        if draft.step == "slot":
            slot = offering.chosen(draft, given)
            return await self._offer(row, draft) if slot is None else self._confirm(row, draft, slot)
        decision = given.get("decision")
        if decision == questions.OTHER or draft.slot is None:
            return await self._offer(row, draft)
        return await self._move(row, draft, draft.slot) if decision == "move" else KEPT

    async def _window(self, row: BookingRow, draft: Draft, given: Any) -> Asks:
        around = fields.Around(self._now(), self._tz(row))
        said, faults = fields.read({"window": offering.WHEN}, given, around)
        if faults:
            return offering.ask_window(draft, "To when shall it be moved?", given, faults["window"])
        window = words.window(said["window"], around.now, around.tz)
        return await self._offer(row, replace(draft, window=window))

    async def _move(self, row: BookingRow, draft: Draft, slot: Slot) -> Changed | Asks:
        sequence = int(draft.said["sequence"])
        if slot.start <= self._now() and row.sequence < sequence:
            return await self._offer(row, draft, "That time is over. These are free.")
        await self._office.keeping.move(self.owner, row.id, sequence, slot)
        outcome = await self._office.performing.event(row.id)
        if outcome == "taken":
            row = await self._office.keeping.get(self.owner, row.id)
            again = replace(draft, said={"sequence": row.sequence + 1})
            note = "That time has just been taken; your meeting stays as it is. These are free."
            return await self._offer(row, again, note)
        if outcome == "refused":
            said = f"The calendar did not take the change. {sentences.NOTHING_CHANGED}"
            raise CalendarSaysNo(said + sentences.call_us(Facts.of(row).host_phone))
        return await _told(self._office, self.owner, row.id)

    async def _offer(self, row: BookingRow, draft: Draft, note: str = "") -> Asks:
        facts = Facts.of(row)
        host = Host(row.host, facts.host, facts.people, self._hours(facts), phone=facts.host_phone)
        minutes = self._request.duration_min
        duration = timedelta(minutes=minutes) if minutes else row.end_at - row.start_at
        place = Place(self.owner, host, duration, self._tz(row))
        return await offering.ask_slot(self._office, place, draft, note)

    def _hours(self, facts: Facts) -> Any:
        """As configured now; of somebody who does not receive any more, as for the default host."""
        hosts = self._office.desk.hosts
        found = hosts.at(self.owner, facts.people[0].email)
        return (found or hosts.find(self.owner, None, None, None)).hours

    def _confirm(self, row: BookingRow, draft: Draft, slot: Slot) -> Asks:
        question = questions.confirm_move(Facts.of(row), row.start_at, slot)
        return Asks({"confirm": question}, replace(draft, step="confirm", slot=slot).state())

    def _tz(self, row: BookingRow) -> str:
        return self._request.tz or Facts.of(row).tz

    def _now(self) -> Any:
        return self._office.desk.clock.now()


async def _done(office: Office, owner: Owner, booking_id: UUID) -> Changed:
    await office.performing.event(booking_id)
    return await _told(office, owner, booking_id)


async def _told(office: Office, owner: Owner, booking_id: UUID) -> Changed:
    """Letters and leads follow the event; where that one waits for the calendar, so do they."""
    effects = await office.ledger.of(booking_id)
    if all(one.state == "done" for one in effects if one.kind == "event"):
        effects = await office.finished(booking_id)
    else:
        effects = await office.settling.told_open(booking_id)
    return changed(await office.keeping.get(owner, booking_id), effects)


async def _meant(
    office: Office, owner: Owner, booking_id: UUID | None, which: str | None
) -> BookingRow | Sequence[BookingRow]:
    """The one that is meant, or those among which the person has to choose. Raises NoSuchBooking."""
    if booking_id is not None:
        row = await office.keeping.get(owner, booking_id)
        if row.state == "cancelled":
            raise NoSuchBooking("This meeting is cancelled already.")
        return row
    coming = await office.keeping.coming(owner)
    if which is None:
        return coming[0] if len(coming) == 1 else coming
    found = named(coming, which, office.desk.clock.now(), office.tz)
    return found[0] if len(found) == 1 else found or coming


def _which(rows: Sequence[BookingRow]) -> Changed | Asks:
    if not rows:
        return _NONE
    options = [(str(row.id), _titled(row)) for row in rows]
    question = questions.choice("booking", "Meeting", "Which of your meetings do you mean?", options)
    return Asks({"booking": question}, {})


async def _picked(office: Office, owner: Owner, resumed: Resumed) -> BookingRow | None:
    """None: none of them. Raises NoSuchBooking."""
    response = resumed.responses["booking"]
    if response.action != "accept":
        return None
    try:
        booking_id = UUID(str(response.content.get("booking")))
    except ValueError as error:
        raise NoSuchBooking from error
    return await office.keeping.get(owner, booking_id)


def _titled(row: BookingRow) -> str:
    facts = Facts.of(row)
    return f"{questions.titled(Slot(row.start_at, row.end_at), facts.tz)}: {facts.topic}, with {facts.host}"


def _confirm_cancel(row: BookingRow) -> Asks:
    question = questions.confirm_cancel(Facts.of(row), row.start_at)
    return Asks({"decision": question}, {"booking_id": str(row.id), "sequence": row.sequence + 1})
