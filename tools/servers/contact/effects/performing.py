"""One effect is performed: held, done with the patience of SPEC 11, closed; or left for the next attempt."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final, Literal
from uuid import UUID

import msgspec
import structlog
from prometheus_client import Counter

from kit.errors import SwitchboardError
from tools.servers.contact.calendars.errors import NoSuchEvent, SlotTaken
from tools.servers.contact.effects.content import event_of, facts_of, lead_of, letter_of, placed_of
from tools.servers.contact.effects.ledger import Held, Ledger
from tools.servers.contact.effects.settling import Settling
from tools.servers.contact.effects.systems import NotToldYet, Systems
from tools.servers.contact.letters import letter_for
from tools.servers.contact.mail.errors import CannotTell
from tools.servers.contact.mail.port import Letter
from tools.servers.contact.people import Owner
from tools.servers.contact.store.models import CLOSED, EffectRow

Outcome = Literal["done", "open", "taken", "down", "refused", "elsewhere", "gone"]
"""open: not yet, the next attempt goes on. taken: somebody was faster, nothing is left. down, refused: the
calendar; what it may have done is taken out. elsewhere: another one performs it just now."""
_LOOK_S: Final = 0.2
SENT_AGAIN: Final = "Sent again by an operator."
_GIVE_UP_MOVING: Final = timedelta(hours=1)
_log = structlog.get_logger()
effects_total = Counter(
    "switchboard_contact_effects_total", "Attempts, by how they ended.", ["verb", "outcome"]
)


class Performing:
    def __init__(self, ledger: Ledger, settling: Settling, systems: Systems) -> None:
        self._ledger = ledger
        self._settling = settling
        self._systems = systems
        self._running: dict[UUID, asyncio.Task[None]] = {}

    async def booking(self, booking_id: UUID) -> Outcome:
        """The event first; then letters and leads side by side, each kind in its order. The outcome is the
        event's."""
        outcome = await self.event(booking_id)
        if outcome == "done":
            await self.rest(booking_id)
        return outcome

    async def event(self, booking_id: UUID) -> Outcome:
        """The events of a booking in their order, until one is not done."""
        for row in await self._ledger.of(booking_id):
            if row.kind == "event" and row.state not in CLOSED:
                outcome = await self.until_ended(row.id)
                if outcome != "done":
                    return outcome
        return "done"

    async def rest(self, booking_id: UUID) -> None:
        rows = [row for row in await self._ledger.of(booking_id) if row.state not in CLOSED]
        await asyncio.gather(
            *(self._in_order([row for row in rows if row.kind == kind]) for kind in ("letter", "lead"))
        )

    def begin(self, booking_id: UUID) -> "asyncio.Task[None]":
        """`rest` goes on although its caller does not wait any more: held here, since nobody else would."""
        return self._begin(booking_id, self.rest(booking_id))

    def begin_one(self, effect_id: UUID) -> "asyncio.Task[None]":
        return self._begin(effect_id, self._alone(effect_id))

    async def stop(self) -> None:
        """What is under way gets a moment; what is left is the next process's."""
        if self._running:
            await asyncio.wait(self._running.values(), timeout=5)
        for task in list(self._running.values()):
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def one(self, effect_id: UUID) -> Outcome:
        held = await self._ledger.hold(effect_id)
        if held is None:
            return await self._not_held(effect_id)
        async with self._renewed(held.row):
            outcome = await self._perform(held)
        effects_total.labels(held.row.verb, outcome).inc()
        return outcome

    async def until_ended(self, effect_id: UUID) -> Outcome:
        """Of one event, also where somebody else performs it."""
        outcome = await self.one(effect_id)
        return await self._elsewhere(effect_id) if outcome == "elsewhere" else outcome

    async def _alone(self, effect_id: UUID) -> None:
        await self.one(effect_id)

    def _begin(self, key: UUID, work: Any) -> "asyncio.Task[None]":
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._running[key] = task
        task.add_done_callback(lambda done: self._ended(key, done))
        return task

    def _ended(self, key: UUID, task: "asyncio.Task[None]") -> None:
        if self._running.get(key) is task:
            del self._running[key]
        if not task.cancelled() and (error := task.exception()):
            _log.warning("contact.effect_not_finished", error=type(error).__name__)

    async def _in_order(self, rows: list[EffectRow]) -> None:
        for row in rows:
            await self.one(row.id)

    async def _not_held(self, effect_id: UUID) -> Outcome:
        row = await self._ledger.get(effect_id)
        if row is None:
            return "gone"
        return "done" if row.state == "done" else "elsewhere"

    async def _elsewhere(self, effect_id: UUID) -> Outcome:
        """Somebody performs it: wait for the end, or take it over where they are lost."""
        while True:
            await asyncio.sleep(_LOOK_S)
            outcome = await self.one(effect_id)
            if outcome != "elsewhere":
                return outcome

    async def _perform(self, held: Held) -> Outcome:
        match held.row.kind:
            case "event":
                return await self._event(held)
            case "letter":
                return await self._letter(held)
            case _:
                return await self._lead(held)

    async def _event(self, held: Held) -> Outcome:
        row, owner = held.row, owner_of(held.row)
        event = event_of(row.content)
        try:
            if row.verb == "remove":
                await self._systems.remove(owner, event)
                await self._settling.close(row, "done", result=row.result)
                return "done"
            if row.verb == "move":
                placed = await self._systems.move(owner, event)
            else:
                placed = await self._systems.place(owner, event, lost=held.lost)
        except SlotTaken:
            await self._settling.drop(row, "the time has been taken meanwhile")
            return "taken"
        except SwitchboardError as error:
            return await self._event_failed(row, error)
        await self._settling.close(row, "done", result=msgspec.to_builtins(placed))
        return "done"

    async def _event_failed(self, row: EffectRow, error: SwitchboardError) -> Outcome:
        """A placing is undone. A moving is tried for an hour, unless it can never be; a removal goes on."""
        _log.warning("contact.calendar_failed", verb=row.verb, error=error.code)
        if row.verb == "place":
            await self._settling.undo(row)
            return "down" if error.retryable else "refused"
        late = self._ledger.clock.now() - row.created_at > _GIVE_UP_MOVING
        if row.verb == "move" and (late or isinstance(error, NoSuchEvent) or not error.retryable):
            await self._settling.drop(row, "the calendar did not take the change")
            return "refused"
        await self._ledger.release(row, error.code)
        return "open"

    async def _letter(self, held: Held) -> Outcome:
        row = held.row
        letter = await self._written(row)
        try:
            sent = await self._systems.send(owner_of(row), letter, lost=held.lost)
        except CannotTell as error:
            await self._settling.close(row, "in_doubt", reason=error.detail)
            return "open"
        except NotToldYet:
            await self._ledger.leave(row)
            return "open"
        except SwitchboardError as error:
            return await self._letter_failed(row, error)
        await self._settling.close(row, "done", result=msgspec.to_builtins(sent))
        return "done"

    async def _letter_failed(self, row: EffectRow, error: SwitchboardError) -> Outcome:
        """Queued for up to an hour where it may help (SPEC 11). One that was sent again is tried once:
        whether the first one arrived is as open as before."""
        if row.reason == SENT_AGAIN:
            await self._settling.close(row, "in_doubt", reason=f"Sent again, and not taken: {error.code}.")
            return "refused"
        limit = timedelta(seconds=self._systems.mail_patience.queued_s)
        if not error.retryable or self._ledger.clock.now() - row.created_at > limit:
            await self._settling.close(row, "failed", reason=error.code)
            return "refused"
        await self._ledger.release(row, error.code)
        return "open"

    async def _written(self, row: EffectRow) -> Letter:
        content = row.content or {}
        if row.verb == "send":
            return letter_of(content)
        kind, facts = facts_of(content)
        notifies = await self._calendar_notifies(row)
        return letter_for(kind, replace(facts, calendar_notifies=notifies), row.created_at)

    async def _calendar_notifies(self, row: EffectRow) -> bool:
        if row.booking_id is None:
            return False
        events = [one for one in await self._ledger.of(row.booking_id) if one.kind == "event"]
        placed = next((p for one in reversed(events) if (p := placed_of(one.result))), None)
        return placed is not None and placed.notified

    async def _lead(self, held: Held) -> Outcome:
        row = held.row
        try:
            entered = await self._systems.upsert(owner_of(row), row.key, lead_of(row.content or {}))
        except SwitchboardError as error:
            # late and refused alike: entered by hand (SPEC 11)
            await self._settling.close(row, "manual", reason=f"{error.title}.")
            return "open"
        await self._settling.close(row, "done", result=msgspec.to_builtins(entered))
        return "done"

    @asynccontextmanager
    async def _renewed(self, row: EffectRow) -> AsyncGenerator[None]:
        task = asyncio.create_task(self._renew(row))
        try:
            yield
        finally:
            task.cancel()

    async def _renew(self, row: EffectRow) -> None:
        while True:
            await asyncio.sleep(self._ledger.lease_s / 4)
            with suppress(SwitchboardError):
                await self._ledger.renew(row)


def owner_of(row: EffectRow) -> Owner:
    return Owner(row.organisation_id, row.user_id)
