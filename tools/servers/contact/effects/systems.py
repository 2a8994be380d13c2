"""The three systems behind their ports, each asked with the patience of SPEC 11."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from kit.errors import SwitchboardError
from kit.resilience import Breaker
from tools.servers.contact.calendars.port import Calendar, Event, Placed
from tools.servers.contact.crm.port import Crm, Entered, Lead
from tools.servers.contact.mail.errors import CannotTell
from tools.servers.contact.mail.port import Letter, Mail, Sent
from tools.servers.contact.patience import CALENDAR, CRM, MAIL, Patience, calendar_breaker, persist
from tools.servers.contact.people import Owner

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Systems:
    """Every method is safe to repeat with `lost` set: it asks first what an earlier attempt has left."""

    calendar: Calendar
    mail: Mail
    crm: Crm
    breaker: Breaker = field(default_factory=calendar_breaker)
    calendar_patience: Patience = CALENDAR
    mail_patience: Patience = MAIL
    crm_patience: Patience = CRM

    async def place(self, owner: Owner, event: Event, *, lost: bool) -> Placed:
        """Raises SlotTaken, and what `persist` raises."""

        async def ask() -> Placed:
            found = await self.calendar.find(owner, event.uid) if lost else None
            return found or await self.calendar.place(owner, event)

        return await persist(self.calendar_patience, self.breaker, ask)

    async def ask_calendar(self, ask: Callable[[], Awaitable[T]]) -> T:
        """A question that changes nothing. Raises what `persist` raises."""
        return await persist(self.calendar_patience, self.breaker, ask)

    async def move(self, owner: Owner, event: Event) -> Placed:
        """Raises SlotTaken, NoSuchEvent, and what `persist` raises."""
        return await persist(self.calendar_patience, self.breaker, lambda: self.calendar.move(owner, event))

    async def remove(self, owner: Owner, event: Event) -> None:
        await persist(
            self.calendar_patience,
            self.breaker,
            lambda: self.calendar.remove(owner, event.uid, event.sequence),
        )

    async def send(self, owner: Owner, letter: Letter, *, lost: bool) -> Sent:
        """Raises CannotTell where it may have been sent: never again by itself; MailRefused; Unavailable."""
        if lost and (found := await self._sent(owner, letter.key)):
            return found
        try:
            return await persist(self.mail_patience, None, lambda: self.mail.send(owner, letter))
        except SwitchboardError as error:
            if error.status != 504:
                raise
            # cut off in the middle
            if found := await self._sent(owner, letter.key):
                return found
            raise

    async def _sent(self, owner: Owner, key: str) -> Sent | None:
        """Raises CannotTell, also where the system does not say it now."""
        try:
            return await persist(self.mail_patience.once(), None, lambda: self.mail.sent(owner, key))
        except CannotTell:
            raise
        except SwitchboardError as error:
            raise NotToldYet from error

    async def upsert(self, owner: Owner, key: str, lead: Lead) -> Entered:
        """Raises CrmRefused, Unavailable."""
        return await persist(self.crm_patience, None, lambda: self.crm.upsert(owner, key, lead))


class NotToldYet(SwitchboardError):
    """The mail system knows whether it was sent, and does not answer at the moment: to be asked again."""

    status = 503
    code = "mail_not_told_yet"
    title = "The e-mail system does not answer"
    retryable = True
