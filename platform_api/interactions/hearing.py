"""Whoever waits for an answer hears of it: at once where it was given, else by any replica within seconds.

The answer is committed first. A row that is answered and not heard is taken under a lease, so normally one
replica goes on with it; one that dies in the middle leaves it to the next. Hearers therefore leave the same
result when they are called twice (a turn has its id beforehand).
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import structlog

from access.principal import Principal, TurnLimits
from access.tokens import principal_of
from kit.clock import Clock
from kit.wire.tools import ToolOutcome
from platform_api.identity import Identity
from platform_api.interactions import repository
from platform_api.interactions.asking import Answered
from platform_api.interactions.models import InteractionRow
from platform_api.interactions.sealed import Seals
from platform_api.interactions.shown import shown
from ports.db import Database

LEASE_S: Final = 30.0
_RENEW_EVERY_S: Final = 10.0
_LOOK_EVERY_S: Final = 2.0
_BATCH: Final = 20
ATTEMPTS: Final = 8
_LONGEST_PAUSE_S: Final = 300.0
_GIVEN_UP: Final = "Your answer was kept, but the tool could not be called again. Ask once more."
Hear = Callable[[Answered], Awaitable[None]]
log = structlog.get_logger()


class Hearing:
    """`start` begins to look for what was answered elsewhere or left behind; `stop` leaves it to others."""

    def __init__(self, database: Database, seals: Seals, identity: Identity, clock: Clock) -> None:
        self._database = database
        self._seals = seals
        self._identity = identity
        self._clock = clock
        self._hearers: list[Hear] = []
        self._looking: asyncio.Task[None] | None = None
        self._running: dict[UUID, asyncio.Task[None]] = {}

    def add(self, hear: Hear) -> None:
        self._hearers.append(hear)

    def start(self) -> None:
        """A process in which nobody goes on with answers takes none."""
        if self._hearers:
            self._looking = asyncio.create_task(self._look())

    async def stop(self) -> None:
        tasks = [*([self._looking] if self._looking else []), *self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def tell(self, interaction_id: UUID, within_s: float) -> None:
        """Returns when it was heard, or after so long while it goes on by itself."""
        if self._hearers:
            await asyncio.wait([self._begin(interaction_id)], timeout=within_s)

    async def catch_up(self) -> int:
        """One look at what waits to be heard; how many there were."""
        if not self._hearers:
            return 0
        async with self._database.begin() as session:
            found = await repository.waiting_to_be_heard(session, self._clock.now(), _BATCH)
        await asyncio.gather(*(self._begin(interaction_id) for interaction_id in found))
        return len(found)

    def _begin(self, interaction_id: UUID) -> "asyncio.Task[None]":
        """Held here, since nobody else would keep it alive."""
        running = self._running.get(interaction_id)
        if running is None:
            running = asyncio.create_task(self._hear(interaction_id))
            self._running[interaction_id] = running
            running.add_done_callback(lambda _: self._running.pop(interaction_id, None))
        return running

    async def _look(self) -> None:
        while True:
            try:
                async with self._database.begin() as session:
                    found = await repository.waiting_to_be_heard(session, self._clock.now(), _BATCH)
                for interaction_id in found:
                    self._begin(interaction_id)
            except Exception as error:  # the database is away: so is everything else for now
                log.warning("interactions.not_looked", error=type(error).__name__)
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _hear(self, interaction_id: UUID) -> None:
        try:
            row = await self._claimed(interaction_id)
            if row is not None:
                await self._hear_claimed(row)
        except Exception as error:
            # It stays unheard, so that the next look finds it.
            log.warning("interactions.not_heard", id=str(interaction_id), error=type(error).__name__)

    async def _claimed(self, interaction_id: UUID) -> InteractionRow | None:
        now = self._clock.now()
        async with self._database.begin() as session:
            return await repository.claim(session, interaction_id, now, now + timedelta(seconds=LEASE_S))

    async def _hear_claimed(self, row: InteractionRow) -> None:
        renewing = asyncio.create_task(self._renew(row))
        try:
            answered = await self._answered(row)
            for hear in self._hearers:
                await hear(answered)
        except asyncio.CancelledError:
            # We stop: the next replica need not wait for the lease.
            with suppress(Exception):
                await self._hold(row, hearing_until=self._clock.now())
            raise
        except Exception as error:
            await self._failed(row, error)
            return
        finally:
            renewing.cancel()
        await self._hold(row, heard_at=self._clock.now(), waiting=None, answer=None)

    async def _renew(self, row: InteractionRow) -> None:
        while True:
            await asyncio.sleep(_RENEW_EVERY_S)
            with suppress(Exception):
                await self._hold(row, hearing_until=self._clock.now() + timedelta(seconds=LEASE_S))

    async def _failed(self, row: InteractionRow, error: Exception) -> None:
        gave_up = row.hearings >= ATTEMPTS
        log.error("interactions.hearing_failed", id=str(row.id), error=type(error).__name__, gave_up=gave_up)
        now = self._clock.now()
        if not gave_up:
            pause = min(2.0**row.hearings, _LONGEST_PAUSE_S)
            await self._hold(row, hearing_until=now + timedelta(seconds=pause))
            return
        outcome = ToolOutcome(is_error=True, content=[{"type": "text", "text": _GIVEN_UP}])
        result = row.result or self._seals.seal(row.id, "result", outcome.model_dump(mode="json"))
        await self._hold(row, heard_at=now, waiting=None, answer=None, result=result)

    async def _hold(self, row: InteractionRow, **values: Any) -> None:
        async with self._database.begin() as session:
            await repository.hold(session, row.id, row.hearings, **values)

    async def _answered(self, row: InteractionRow) -> Answered:
        """Raises where there is nothing to go on with: a broken seal, or a person who is gone."""
        waiting = self._seals.open(row.id, "waiting", row.waiting or "")
        responses = self._seals.open(row.id, "answer", row.answer or "")
        if "key" in waiting:
            # The gateway asked before the call was known to wait: its question had a name of its own.
            responses = {waiting["key"]: next(iter(responses.values()))}
        principal = await self._principal(row)
        return Answered(
            interaction=shown(row, principal, self._seals, self._clock.now()),
            principal=principal,
            tool=row.tool,
            arguments=waiting["arguments"],
            request_state=waiting["request_state"],
            input_responses=responses,
            resume=waiting["resume"],
            turn_id=row.continued_by,
        )

    async def _principal(self, row: InteractionRow) -> Principal:
        """Who asked, within what was allowed then and what is still allowed now."""
        person = (await self._identity.person(row.user_id)).principal
        asked = principal_of(row.asked_as)
        limits = asked.limits
        if row.answered_under is not None:
            limits = narrowed(limits, principal_of(row.answered_under).limits)
        return Principal(
            organisation_id=row.organisation_id,
            id=row.user_id,
            kind=person.kind,
            name=person.name,
            groups=person.groups,
            roles=person.roles & frozenset(row.roles),
            permissions=person.permissions & frozenset(row.permissions),
            acting_via=asked.acting_via,
            limits=limits,
        )


def narrowed(asked: TurnLimits, answered: TurnLimits) -> TurnLimits:
    """Of both: what was answered in a shared place, or in privacy mode, goes on there."""
    bases = [one.knowledge_base_ids for one in (asked, answered) if one.knowledge_base_ids is not None]
    both = bases[0] & bases[-1] if bases else None
    shared = "everyone_here" in (asked.audience, answered.audience)
    return replace(
        asked,
        knowledge_base_ids=both,
        privacy=asked.privacy or answered.privacy,
        audience="everyone_here" if shared else "private",
    )
