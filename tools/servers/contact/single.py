"""calendar.create_event, email.send, crm.upsert_lead: one effect each, once by its idempotency key."""

import asyncio
from collections.abc import Sequence
from typing import Final
from uuid import NAMESPACE_URL, UUID, uuid5

from kit.errors import Conflict
from tools.servers.contact.booking.errors import NoConsent, NotConsented
from tools.servers.contact.booking.offering import calendar_failed
from tools.servers.contact.booking.office import Office
from tools.servers.contact.calendars.errors import SlotTaken
from tools.servers.contact.calendars.port import Event
from tools.servers.contact.effects import content, sentences
from tools.servers.contact.effects.content import Wanted, entered_of, placed_of, sent_of
from tools.servers.contact.effects.finishing import Finishing
from tools.servers.contact.mail.port import Letter
from tools.servers.contact.people import Owner, Person, address
from tools.servers.contact.shapes import (
    CreatedEvent,
    CreateEvent,
    SendEmail,
    SentEmail,
    UpsertedLead,
    UpsertLead,
)
from tools.servers.contact.store.models import CLOSED, ConsentRow, EffectRow
from tools.servers.contact.times.hosts import NoSuchHost
from tools.servers.serving import Asker

_LOOK_S: Final = 0.2


class NotDelivered(Conflict):
    code = "email_not_delivered"
    title = "The e-mail could not be delivered"
    default_hint = "Check the addresses, and send it under a new idempotency_key."


class Single:
    def __init__(self, office: Office, finishing: Finishing) -> None:
        self._office = office
        self._finishing = finishing

    async def create_event(self, asker: Asker, request: CreateEvent) -> CreatedEvent:
        """Raises SlotTaken with three alternatives, CalendarDown, KeyReused, NoConsent, NotConsented."""
        consent = await self._consented(asker, request.consent_record_id)
        owner = self._concerned(consent, request.attendees)
        event = self._event(owner, request)
        row = await self._kept(owner, content.place(_key(request.idempotency_key), event))
        if row.state != "done":
            await self._performed(row, within_s=None)
        placed = placed_of((await self._now(row)).result)
        if placed is None:
            raise calendar_failed("", sentences.NOTHING_BOOKED, retryable=True)
        return CreatedEvent(
            event_id=placed.event_id,
            calendar_url=placed.calendar_url,
            created_at=placed.created_at,
            attendee_notifications_sent=placed.notified,
        )

    async def send_email(self, asker: Asker, request: SendEmail) -> SentEmail:
        """queued where it is not sent within a few seconds. Raises NotDelivered, KeyReused, NoConsent,
        NotConsented, TooManyLetters."""
        consent = await self._consented(asker, request.consent_record_id)
        owner = self._concerned(consent, [*request.to, *request.cc, *request.bcc])
        letter = Letter(
            key=_key(request.idempotency_key),
            to=_people(request.to),
            cc=_people(request.cc),
            bcc=_people(request.bcc),
            subject=request.subject,
            html=request.html,
            thread_key=request.thread_key,
        )
        row = await self._kept(owner, content.send(letter))
        await self._performed(row, self._office.inline_s)
        row = await self._now(row)
        if row.state == "failed":
            raise NotDelivered
        sent = sent_of(row.result)
        if sent is None:
            return SentEmail(
                queued=row.state not in CLOSED, in_doubt=True if row.state == "in_doubt" else None
            )
        return SentEmail(
            message_id=sent.message_id, thread_id=sent.thread_id, sent_at=sent.sent_at, queued=False
        )

    async def upsert_lead(self, asker: Asker, request: UpsertLead) -> UpsertedLead:
        """deferred where the CRM is late. Raises KeyReused, NoConsent, NotConsented."""
        lead = request.lead
        consent = await self._consented(asker, lead.consent.record_id)
        if address(lead.email) != address(consent.email) or (lead.consent.contact and not consent.contact):
            raise NotConsented
        owner = _owner(consent)
        row = await self._kept(owner, content.upsert(_key(request.idempotency_key), lead))
        await self._performed(row, self._office.inline_s)
        entered = entered_of((await self._now(row)).result)
        if entered is None:
            return UpsertedLead(created=False, updated=False, deferred=True)
        return UpsertedLead(
            lead_id=entered.lead_id,
            created=entered.created,
            updated=entered.updated,
            crm_url=entered.crm_url,
            deferred=False,
        )

    async def _consented(self, asker: Asker, consent_id: UUID) -> ConsentRow:
        consent = await self._office.keeping.consented(Owner.of(asker.principal), consent_id)
        if consent is None:
            raise NoConsent
        return consent

    def _concerned(self, consent: ConsentRow, addresses: Sequence[str]) -> Owner:
        """Whoever has a consent may act upon who gave it and those who receive, and upon nobody else: else
        one booking would open everybody's mailbox to it. Raises NotConsented."""
        owner = _owner(consent)
        others = (one for one in addresses if address(one) != address(consent.email))
        if not all(self._office.desk.hosts.keeps(owner, one) for one in others):
            raise NotConsented
        return owner

    async def _kept(self, owner: Owner, wanted: Wanted) -> EffectRow:
        """What this key stands for; new, with the job that finishes it. Raises KeyReused."""
        ledger = self._office.ledger
        async with ledger.database.begin() as session:
            # two that begin at once take turns
            await ledger.take_turns(session, owner, wanted)
            row = await ledger.known(session, owner, wanted)
            if row is None:
                if wanted.kind == "letter":
                    await ledger.may_write(session, owner)
                row = ledger.add(session, owner, wanted)
                await self._finishing.effect_later(session, row.id)
        return row

    async def _performed(self, row: EffectRow, within_s: float | None) -> None:
        if row.state in CLOSED:
            return
        if within_s is not None:
            await asyncio.wait({self._office.performing.begin_one(row.id)}, timeout=within_s)
            return
        outcome = await self._office.performing.until_ended(row.id)
        if outcome == "taken":
            raise await self._taken(row)
        if outcome in ("down", "refused"):
            raise calendar_failed("", sentences.NOTHING_BOOKED, retryable=outcome == "down")

    async def _now(self, row: EffectRow) -> EffectRow:
        return await self._office.ledger.get(row.id) or row

    async def _taken(self, row: EffectRow) -> SlotTaken:
        event = content.event_of(row.content)
        people = [person.email for person in event.people]
        owner = Owner(row.organisation_id, row.user_id)
        found = await self._office.desk.alternatives(
            owner, people, event.end - event.start, event.start, event.tz
        )
        times = ", ".join(f"{slot.start.isoformat()}/{slot.end.isoformat()}" for slot in found)
        return SlotTaken(hint=f"These are free: {times}." if times else None)

    def _event(self, owner: Owner, request: CreateEvent) -> Event:
        hosts = self._office.desk.hosts
        people = _people(request.attendees)
        # the organiser's calendar is read and written: that of nobody but those who receive
        organiser = next((one for one in people if hosts.keeps(owner, one.email)), None)
        if organiser is None:
            raise NoSuchHost("Nobody of these people takes appointments here.")
        host = hosts.at(owner, organiser.email)
        return Event(
            uid=f"{uuid5(NAMESPACE_URL, f'{owner.user_id}/{request.idempotency_key}')}@switchboard",
            title=request.title,
            start=request.start_time,
            end=request.end_time,
            tz=host.hours.tz if host else self._office.tz,
            organiser=organiser,
            attendees=tuple(one for one in people if one is not organiser),
            location=request.location or "",
            notes=request.notes or "",
        )


def _owner(consent: ConsentRow) -> Owner:
    return Owner(consent.organisation_id, consent.user_id)


def _key(given: str) -> str:
    """Never one that a booking made."""
    return f"call:{given}"


def _people(addresses: list[str]) -> tuple[Person, ...]:
    return tuple(Person(one) for one in addresses)
