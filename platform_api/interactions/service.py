"""Interactions: what a person is asked, durably, and answered once (SPEC 5).

open → answered | cancelled | expired. An answer takes effect in one statement that only the first of several
finds its row for; everything that follows hangs on that commit.
"""

import asyncio
import builtins
import time
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal
from access.tokens import claims_of
from kit.clock import Clock
from kit.sealing import KeyRing, SealBroken
from kit.wire.base import Page
from kit.wire.interactions import AskedOf, Form, Interaction, Kind, Respond, Responded, Status
from kit.wire.tools import ToolOutcome
from platform_api import audit
from platform_api.edge import PageRequest, page_of
from platform_api.identity import Identity
from platform_api.interactions import repository
from platform_api.interactions.asking import Suspended
from platform_api.interactions.errors import (
    InteractionAnswered,
    InteractionCancelled,
    InteractionExpired,
    InteractionNotFound,
    SecondPersonNeeded,
)
from platform_api.interactions.filling import input_responses
from platform_api.interactions.forms import adopted, asked, connects, titled
from platform_api.interactions.hearing import Hear, Hearing
from platform_api.interactions.models import InteractionRow
from platform_api.interactions.sealed import Seals, digest
from platform_api.interactions.shown import shown, status_of
from ports.db import Database
from ports.queue import Queue

ANSWERED: Final = "interaction.answered.v1"
LONGEST_WAIT_S: Final = 25.0
_SHORTEST_S: Final = 10.0
_LONGEST_S: Final = 30 * 86_400.0
_LOOK_EVERY_S: Final = 1.0
_MOST_WAITING: Final = 500
_HEARD_WITHIN_S: Final = 5.0
_OVER: Final = {"expired": InteractionExpired, "cancelled": InteractionCancelled}


class Interactions:
    def __init__(
        self, database: Database, queue: Queue, keys: KeyRing | None, identity: Identity, clock: Clock
    ) -> None:
        self._database = database
        self._queue = queue
        self._clock = clock
        self._seals = Seals(keys)
        self._hearing = Hearing(database, self._seals, identity, clock)
        self._watched: dict[UUID, set[asyncio.Event]] = {}

    def hears(self, hear: Hear) -> None:
        """`hear(Answered)` is called for each answer that one of ours waits for; again where it raised or
        its process died. It returns once what it begins would be finished without it."""
        self._hearing.add(hear)

    def start(self) -> None:
        self._hearing.start()

    async def stop(self) -> None:
        await self._hearing.stop()

    async def catch_up(self) -> int:
        """Goes on with what was answered and not heard, now rather than in a moment; how many there were."""
        return await self._hearing.catch_up()

    async def open(
        self,
        session: AsyncSession,
        principal: Principal,
        suspended: Suspended,
        *,
        session_id: UUID | None = None,
        turn_id: UUID | None = None,
    ) -> Interaction:
        """Ask `principal`, in the caller's transaction. Where the gateway has asked a second person for this
        call already, that interaction is taken on. Raises Unaskable, InteractionExpired."""
        kind, forms = asked(suspended)
        asked_before = adopted(suspended) if kind == "approval" else None
        if asked_before is not None:
            row = await self._adopt(session, principal, suspended, asked_before)
            if row.status == "answered":
                # Somebody was faster than the turn could say that it waits: it is heard in a moment.
                row.continued_by = uuid4() if session_id else None
            row.session_id, row.turn_id, row.awaited = session_id, turn_id, True
            await session.flush()
            return self.shown(row, principal)
        row = self.row(principal, kind, forms, suspended.tool, suspended.expires_s)
        row.session_id, row.turn_id, row.awaited = session_id, turn_id, True
        row.connects = connects(suspended) if kind == "connect_account" else None
        row.waiting = self._seals.seal(row.id, "waiting", _waiting(suspended))
        session.add(row)
        await session.flush()
        return self.shown(row, principal)

    def row(
        self, principal: Principal, kind: Kind, forms: list[Form], tool: str, expires_s: float
    ) -> InteractionRow:
        """A new one, open, that nobody of ours waits for yet."""
        now, interaction_id = self._clock.now(), uuid4()
        return InteractionRow(
            id=interaction_id,
            organisation_id=principal.organisation_id,
            user_id=principal.id,
            asked_by=principal.name,
            roles=sorted(principal.roles),
            permissions=sorted(principal.permissions),
            asked_as=_asked_as(principal),
            kind=kind,
            status="open",
            asked_of="me",
            approvers=[],
            title=titled(kind, tool),
            tool=tool,
            questions=self._seals.questions(interaction_id, forms),
            awaited=False,
            hearings=0,
            created_at=now,
            expires_at=now + timedelta(seconds=min(max(expires_s, _SHORTEST_S), _LONGEST_S)),
        )

    async def _adopt(
        self, session: AsyncSession, principal: Principal, suspended: Suspended, named: str
    ) -> InteractionRow:
        row = await repository.adoptable(session, principal, _id(named))
        if row is None or status_of(row, self._clock.now()) in _OVER:
            raise InteractionExpired
        # The gateway's question has a name of its own; the call waits for this one.
        waiting = _waiting(suspended) | {"key": next(iter(suspended.input_requests))}
        row.waiting = self._seals.seal(row.id, "waiting", waiting)
        row.asked_as = _asked_as(principal)
        return row

    async def list(
        self,
        session: AsyncSession,
        principal: Principal,
        page: PageRequest,
        *,
        status: Status | None = None,
        asked_of: AskedOf | None = None,
    ) -> Page[Interaction]:
        """Mine, open ones first; with asked_of second_person: those of others that I may decide."""
        now = self._clock.now()
        rows = await repository.page(session, principal, page, now, status=status, asked_of=asked_of)
        return page_of(rows, page, lambda one: (one[1], one[0].id), lambda one: self.shown(one[0], principal))

    async def get(self, session: AsyncSession, principal: Principal, interaction_id: UUID) -> Interaction:
        """Raises InteractionNotFound, also for somebody else's."""
        return self.shown(await _found(session, principal, interaction_id), principal)

    async def wait(self, principal: Principal, interaction_id: UUID, wait_s: float) -> Interaction:
        """As it is, once it has ended (a call by itself: once its result is there), or after so long.

        Raises InteractionNotFound.
        """
        until = time.monotonic() + min(wait_s, LONGEST_WAIT_S)
        changed = asyncio.Event()
        watching = self._watched.setdefault(interaction_id, set())
        watching.add(changed)
        try:
            while True:
                changed.clear()
                async with self._database.begin() as session:
                    row = await _found(session, principal, interaction_id)
                    seen = self.shown(row, principal)
                left = until - time.monotonic()
                if seen.settled or left <= 0 or len(self._watched) > _MOST_WAITING:
                    return seen
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(_LOOK_EVERY_S, left)):
                        await changed.wait()
        finally:
            watching.discard(changed)
            if not watching and self._watched.get(interaction_id) is watching:
                del self._watched[interaction_id]

    async def respond(self, principal: Principal, interaction_id: UUID, respond: Respond) -> Responded:
        """Takes effect once, then whoever waits goes on. The same answer again is answered the same.

        Raises InteractionNotFound, AnswerInvalid, SecondPersonNeeded, InteractionAnswered,
        InteractionExpired, InteractionCancelled.
        """
        async with self._database.begin() as session:
            row, first = await self._answered(session, principal, interaction_id, respond)
        if first:
            self.changed(interaction_id)
        if first and row.awaited:
            await self._hearing.tell(interaction_id, _HEARD_WITHIN_S)
        turn_id = row.continued_by if row.user_id == principal.id else None
        return Responded(interaction_id=interaction_id, status="answered", turn_id=turn_id)

    async def _answered(
        self, session: AsyncSession, principal: Principal, interaction_id: UUID, respond: Respond
    ) -> tuple[InteractionRow, bool]:
        """The row once it is answered, and whether by this answer."""
        row = await _found(session, principal, interaction_id)
        if status_of(row, self._clock.now()) == "open":
            if await self._take(session, principal, row, respond):
                answered = await _found(session, principal, interaction_id)
                await self._announce(session, answered, principal.acting_via or "api")
                return answered, True
            row = await _found(session, principal, interaction_id)
        self._refuse_unless_same(row, principal, respond)
        return row, False

    async def _take(
        self, session: AsyncSession, principal: Principal, row: InteractionRow, respond: Respond
    ) -> bool:
        mine = row.user_id == principal.id
        if mine and row.asked_of == "second_person" and respond.action != "cancel":
            raise SecondPersonNeeded
        responses = input_responses(self._asked_forms(row), respond)
        return await repository.end(
            session,
            principal,
            row.id,
            self._clock.now(),
            status="answered",
            outcome=respond.action,
            answered_by=principal.id,
            answered_under=_asked_as(principal) if mine else None,
            answer=self._seals.seal(row.id, "answer", responses),
            answered_as=self._seals.seal(row.id, "answered_as", digest(respond)),
            # From the row as it is when it ends: a turn may have begun to wait for it just now.
            continued_by=repository.next_turn(uuid4()),
        )

    def _asked_forms(self, row: InteractionRow) -> builtins.list[Form]:
        try:
            return self._seals.forms(row.id, row.questions)
        except SealBroken as error:
            raise InteractionExpired("The key under which this was kept is gone.") from error

    def _refuse_unless_same(self, row: InteractionRow, principal: Principal, respond: Respond) -> None:
        over = _OVER.get(status_of(row, self._clock.now()))
        if over is not None:
            raise over
        if row.answered_by != principal.id or not self._seals.same(row.id, row.answered_as, respond):
            raise InteractionAnswered

    async def _announce(self, session: AsyncSession, row: InteractionRow, channel: str) -> None:
        """That it was answered, by whom and through which channel; never what."""
        told = {
            "interaction_id": str(row.id),
            "organisation_id": str(row.organisation_id),
            "kind": row.kind,
            "tool": row.tool,
            "asked_of": row.asked_of,
            "user_id": str(row.user_id),
            "answered_by": str(row.answered_by),
            "channel": channel,
            "outcome": row.outcome,
            "session_id": str(row.session_id) if row.session_id else None,
            "turn_id": str(row.continued_by) if row.continued_by else None,
        }
        await self._queue.defer(session, ANSWERED, told)

    async def connected(self, organisation_id: UUID, user_id: UUID, server: str) -> None:
        """Their account at this server is connected now: that is the answer to every page it was asked on."""
        async with self._database.begin() as session:
            rows = await repository.connecting(session, organisation_id, user_id, server, self._clock.now())
            for row in rows:
                await self._connect(session, row)
        for row in rows:
            self.changed(row.id)
        await asyncio.gather(*(self._hearing.tell(row.id, _HEARD_WITHIN_S) for row in rows))

    async def _connect(self, session: AsyncSession, row: InteractionRow) -> None:
        accepted = Respond(action="accept")
        forms = self._seals.forms(row.id, row.questions)
        row.status, row.outcome, row.ended_at = "answered", "accept", self._clock.now()
        row.answered_by = row.user_id
        row.answer = self._seals.seal(row.id, "answer", input_responses(forms, accepted))
        row.answered_as = self._seals.seal(row.id, "answered_as", digest(accepted))
        row.continued_by = uuid4() if row.session_id else None
        await session.flush()
        await self._announce(session, row, "connect")

    async def cancel(self, session: AsyncSession, principal: Principal, interaction_id: UUID) -> bool:
        """Withdraw what was asked: nothing goes on. False where it has ended otherwise."""
        done = await repository.end(
            session, principal, interaction_id, self._clock.now(), status="cancelled", waiting=None
        )
        if done:
            about = {"interaction_id": str(interaction_id)}
            await audit.record(session, principal, "interaction.cancelled", about)
        return done

    async def finish(self, interaction_id: UUID, outcome: ToolOutcome) -> None:
        """What came of a tool that was called by itself; whoever asked reads it with the interaction."""
        sealed = self._seals.seal(interaction_id, "result", outcome.model_dump(mode="json"))
        async with self._database.begin() as session:
            await repository.keep_result(session, interaction_id, sealed)
        self.changed(interaction_id)

    def changed(self, interaction_id: UUID) -> None:
        """Whoever waits in this process looks at once, others within a second."""
        for event in self._watched.get(interaction_id, ()):
            event.set()

    def shown(self, row: InteractionRow, principal: Principal) -> Interaction:
        return shown(row, principal, self._seals, self._clock.now())


async def _found(session: AsyncSession, principal: Principal, interaction_id: UUID) -> InteractionRow:
    row = await repository.find(session, principal, interaction_id)
    if row is None:
        raise InteractionNotFound
    return row


def _waiting(suspended: Suspended) -> dict[str, Any]:
    return {
        "arguments": suspended.arguments,
        "request_state": suspended.request_state,
        "resume": suspended.resume,
    }


def _asked_as(principal: Principal) -> dict[str, Any]:
    """Channel and limits: roles and permissions have columns, groups are read again."""
    claims = claims_of(principal, principal.access_keys)
    left_out = {"keys", "grant", "grp", "nam", "rol", "prm", "tid"}
    return {name: value for name, value in claims.items() if name not in left_out}


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise InteractionExpired from error
