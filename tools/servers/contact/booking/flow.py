"""meetings.book: form → slots → confirm → done (SPEC J2). Each step may be answered days later, anywhere."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final
from uuid import uuid4

from kit.errors import SwitchboardError
from tools.servers.asking import Asks, Resumed
from tools.servers.contact.booking import fields, offering, questions
from tools.servers.contact.booking.answers import booked
from tools.servers.contact.booking.draft import Draft
from tools.servers.contact.booking.offering import Place
from tools.servers.contact.booking.office import Office
from tools.servers.contact.effects import sentences
from tools.servers.contact.effects.facts import Facts
from tools.servers.contact.effects.performing import Outcome
from tools.servers.contact.people import Owner
from tools.servers.contact.shapes import Booked, BookMeeting
from tools.servers.contact.times import words
from tools.servers.contact.times.hosts import Host, NoSuchHost
from tools.servers.contact.times.shapes import Slot
from tools.servers.serving import Asker

_TAKEN: Final = "That time has just been taken; nothing was booked. These are free."


async def book(office: Office, asker: Asker, request: BookMeeting, resumed: Resumed | None) -> Booked | Asks:
    """Raises NoSuchHost, CalendarDown, CalendarSaysNo."""
    call = _Call(office, asker, request)
    if resumed is None:
        return await call.begin()
    draft = Draft.of(resumed.state)
    response = resumed.responses.get(draft.step)
    if response is None or response.action != "accept":
        return await call.withdrawn(draft)
    return await call.answered(draft, response.content)


class _Call:
    """One call of the tool: who asks, and what they said when they began."""

    def __init__(self, office: Office, asker: Asker, request: BookMeeting) -> None:
        self._office = office
        self._desk = office.desk
        self._keeping = office.keeping
        self._asker = asker
        self._request = request
        self._owner = Owner.of(asker.principal)
        self._channel = asker.principal.acting_via or "api"
        self._tz = request.tz or office.tz
        self._host, self._others = self._found(request)

    def _found(self, request: BookMeeting) -> tuple[Host, tuple[Host, ...]]:
        """And who else may be meant, where nobody, or more than one, of the name that was said receives
        here. Raises NoSuchHost where nobody receives at all."""
        hosts = self._desk.hosts
        try:
            return hosts.find(self._owner, request.with_, request.service, request.topic), ()
        except NoSuchHost as error:
            if not error.those:
                raise
            return error.those[0], error.those

    async def begin(self) -> Asks:
        draft = Draft(uuid4(), "form")
        await self._keeping.begun(self._owner, draft.id, self._channel)
        first, _, last = self._asker.principal.name.strip().partition(" ")
        names = {"first_name": first, "last_name": last.strip()}
        given: dict[str, Any] = {name: known for name, known in names.items() if known}
        note = ""
        if self._request.window and "window" in self._fields():
            given["window"] = self._request.window
            note = f' The time "{self._request.window}" was not understood, or it is over.'
        return self._form(draft, given, note=note)

    async def withdrawn(self, draft: Draft) -> Booked:
        await self._keeping.stepped(self._owner, draft.id, "cancelled", self._channel)
        return Booked(summary=sentences.NOTHING_BOOKED)

    async def answered(self, draft: Draft, given: Any) -> Booked | Asks:
        self._take_host(draft.said)
        match draft.step:
            case "form":
                return await self._filled(draft, given)
            case "window":
                return await self._other_window(draft, given)
            case "slot":
                return await self._chosen(draft, given)
            case _:
                return await self._decided(draft, given)

    async def _filled(self, draft: Draft, given: Any) -> Booked | Asks:
        said, faults = fields.read(self._fields(), given, self._around())
        if faults:
            return self._form(draft, {**given, **said}, faults)
        self._take_host(said)
        await self._keeping.stepped(self._owner, draft.id, "form", self._channel)
        when = said.get("window") or self._request.window or ""
        window = words.window(when, self._desk.clock.now(), self._tz)
        return await self._offer(replace(draft, said=said, window=window))

    async def _other_window(self, draft: Draft, given: Any) -> Asks:
        said, faults = fields.read({"window": offering.WHEN}, given, self._around())
        if faults:
            return offering.ask_window(draft, "When would suit you?", given, faults["window"])
        window = words.window(said["window"], self._desk.clock.now(), self._tz)
        return await self._offer(replace(draft, window=window))

    async def _chosen(self, draft: Draft, given: Any) -> Asks:
        slot = offering.chosen(draft, given)
        if slot is None:
            return await self._offer(draft)
        if slot.start <= self._desk.clock.now():
            return await self._offer(draft, "That time is over. These are free.")
        await self._keeping.stepped(self._owner, draft.id, "slot", self._channel)
        return self._ask_to_confirm(replace(draft, step="confirm", slot=slot))

    async def _decided(self, draft: Draft, given: Any) -> Booked | Asks:
        decision = given.get("decision")
        if decision == questions.OTHER or draft.slot is None:
            return await self._offer(draft)
        if decision != questions.BOOK:
            return await self.withdrawn(draft)
        return await self._book(draft, draft.slot)

    async def _book(self, draft: Draft, slot: Slot) -> Booked | Asks:
        facts = self._facts(draft)
        if slot.start <= self._desk.clock.now() and not await self._is_kept(draft):
            return await self._offer(draft, "That time is over. These are free.")
        kept = await self._keeping.book(self._owner, draft.id, facts, slot, self._office.consent)
        if kept.other:
            when = sentences.local(facts, slot.start)
            return Booked(
                booking_id=kept.row.id, summary=f"You have this meeting with {facts.host} already: {when}."
            )
        if kept.row.state == "undoing":
            raise self._down(retryable=True)
        return await self._performed(draft, await self._office.performing.event(draft.id))

    async def _performed(self, draft: Draft, outcome: Outcome) -> Booked | Asks:
        if outcome in ("down", "refused"):
            raise self._down(retryable=outcome == "down")
        if outcome in ("taken", "gone"):
            return await self._offer(draft, _TAKEN)
        effects = await self._office.finished(draft.id)
        return booked(await self._keeping.get(self._owner, draft.id), effects)

    async def _is_kept(self, draft: Draft) -> bool:
        """Whether this is the repetition of an answer that has been acted upon."""
        try:
            await self._keeping.get(self._owner, draft.id)
        except SwitchboardError:
            return False
        return True

    def _down(self, *, retryable: bool) -> SwitchboardError:
        return offering.calendar_failed(self._host.phone, sentences.NOTHING_BOOKED, retryable=retryable)

    async def _offer(self, draft: Draft, note: str = "") -> Asks:
        return await offering.ask_slot(self._office, self._place(draft), draft, note)

    def _form(
        self, draft: Draft, given: Any, faults: dict[str, str] | None = None, *, note: str = ""
    ) -> Asks:
        about = f' about "{self._request.topic}"' if self._request.topic else ""
        message = f"A meeting with {self._host.name}{about}. Please fill in what is missing.{note}"
        if self._others:
            unknown = f'Nobody called just "{self._request.with_}" takes appointments here.'
            message = (
                f"{unknown} Please choose with whom, and fill in what is missing.{note}"
                if self._asks_host
                else f"{unknown} This goes to {self._host.name}. Please fill in what is missing.{note}"
            )
        return Asks({"form": fields.ask(self._fields(), message, given, faults)}, draft.state())

    def _ask_to_confirm(self, draft: Draft) -> Asks:
        assert draft.slot is not None, "a slot was chosen"
        question = questions.confirm(self._facts(draft), draft.slot, self._office.consent)
        return Asks({"confirm": question}, draft.state())

    def _fields(self) -> dict[str, fields.Field]:
        """What was said is never asked again."""
        wanted = fields.form_fields(self._office.consent.privacy, self._office.consent.contact)
        said = {
            "topic": self._request.topic is not None,
            "duration": self._request.duration_min is not None,
            "window": self._request.window is not None
            and words.window(self._request.window, self._desk.clock.now(), self._tz) is not None,
        }
        asked = {name: field for name, field in wanted.items() if not said.get(name)}
        if not self._asks_host:
            return asked
        return {"host": fields.host_field({one.name: one.name for one in self._others}), **asked}

    @property
    def _asks_host(self) -> bool:
        return len(self._others) > 1

    def _take_host(self, said: dict[str, Any]) -> None:
        """The one that was chosen in the form."""
        self._host = next((one for one in self._others if one.name == said.get("host")), self._host)

    def _facts(self, draft: Draft) -> Facts:
        said, host = draft.said, self._host
        told = self._asker.principal.limits.session_id
        return Facts(
            first_name=said["first_name"],
            last_name=said["last_name"],
            email=said["email"],
            topic=said.get("topic") or self._request.topic or "A meeting",
            reason=said["reason"],
            service=self._request.service or "unknown",
            tz=self._tz,
            host=host.name,
            people=host.people,
            host_tz=host.hours.tz,
            location=host.location,
            host_phone=host.phone,
            phone=said.get("phone"),
            company=said.get("company"),
            message=said.get("message"),
            contact=bool(said.get("consent_contact")),
            channel=self._channel,
            session_id=str(told) if told else None,
        )

    def _place(self, draft: Draft) -> Place:
        minutes = draft.said.get("duration") or self._request.duration_min or 30
        return Place(self._owner, self._host, timedelta(minutes=minutes), self._tz)

    def _around(self) -> fields.Around:
        return fields.Around(self._desk.clock.now(), self._tz)
