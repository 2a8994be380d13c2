"""The first commit of a turn: session taken, message kept, lease begun; or the turn that it repeats."""

import asyncio
import hashlib
import time
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4
from weakref import WeakValueDictionary

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal, TurnLimits
from kit.wire.chat import ChatRequest
from platform_api.agents.definitions import DEFAULT
from platform_api.agents.port import Resumed, Suspended
from platform_api.chat import repository
from platform_api.chat.errors import SessionBusy
from platform_api.chat.settings import ChatSettings
from platform_api.edge.errors import IdempotencyKeyReused
from platform_api.interactions.asking import Answered
from platform_api.sessions import service as sessions
from platform_api.sessions.errors import SessionNotFound
from ports.db import Database

TURN = "turn"
"""Whose an interaction is: ours, in what is kept with it."""
_POLL_S = 0.1
HISTORY_MESSAGES = 50
"""How many earlier messages are read; the agent's own limits cut further."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A turn to run. `principal` carries the limits of this turn; `began` is a `perf_counter`."""

    turn_id: UUID
    session_id: UUID
    principal: Principal
    request: ChatRequest
    request_id: str
    history: tuple[tuple[str, str], ...]
    began: float
    continues: UUID | None = None
    resumed: Resumed | None = None
    """Of a turn that goes on with an answer: where it goes on."""
    first_turn_id: UUID | None = None
    """Of such a turn: the one that the message was said in."""


@dataclass(frozen=True, slots=True)
class Repeated:
    """A turn that the same request has begun before."""

    turn_id: UUID
    session_id: UUID


class Acceptance:
    """`owner` names this process in the leases of its turns."""

    def __init__(self, database: Database, settings: ChatSettings, owner: UUID) -> None:
        self._database = database
        self._settings = settings
        self._owner = owner
        self._lines: WeakValueDictionary[object, asyncio.Lock] = WeakValueDictionary()

    async def accept(
        self, principal: Principal, request: ChatRequest, request_id: str, key: str | None
    ) -> Accepted | Repeated:
        """Waits, in order of arrival, while another turn runs in the session.

        Raises SessionNotFound, SessionBusy, IdempotencyKeyReused.
        """
        began = time.perf_counter()
        deadline = asyncio.get_running_loop().time() + self._settings.busy_wait_s
        line = self._line(principal, request)
        try:
            async with asyncio.timeout_at(deadline):
                await line.acquire()
        except TimeoutError as error:
            raise SessionBusy from error
        try:
            while (done := await self._try(principal, request, request_id, key, began=began)) is None:
                if asyncio.get_running_loop().time() >= deadline:
                    raise SessionBusy
                await asyncio.sleep(_POLL_S)
            return done
        finally:
            line.release()

    def _line(self, principal: Principal, request: ChatRequest) -> asyncio.Lock:
        """Those who wait for the same session queue up here, so that the first in line gets it first."""
        named = request.session_id or request.external_ref
        who = (principal.organisation_id, principal.id, named) if named else uuid4()
        lock = self._lines.get(who)
        if lock is None:
            lock = self._lines[who] = asyncio.Lock()
        return lock

    async def _try(
        self, principal: Principal, request: ChatRequest, request_id: str, key: str | None, *, began: float
    ) -> Accepted | Repeated | None:
        """None while the session is busy."""
        turn_id = uuid4()
        body = _hash_of(request)
        try:
            async with self._database.begin() as db:
                if key and (repeated := await _repeated(db, principal, key, body)):
                    return repeated
                taken = await sessions.take(db, principal, turn_id, request, HISTORY_MESSAGES)
                if taken is None:
                    return None
                await repository.begin(
                    db,
                    self._settings.lease_s,
                    id=turn_id,
                    organisation_id=principal.organisation_id,
                    session_id=taken.session_id,
                    user_id=principal.id,
                    continues=None,
                    request_id=request_id,
                    idempotency_key=key,
                    request_hash=body,
                    owner=self._owner,
                )
        except IntegrityError:
            # The same key, or the same new thread, came in twice at once; the next look finds it.
            return None
        limited = principal.limited(_limits(principal, request, taken.session_id, turn_id))
        return Accepted(turn_id, taken.session_id, limited, request, request_id, taken.history, began)

    async def go_on(self, answered: Answered) -> Accepted | None:
        """The turn that goes on with an answer, behind whichever runs in the session. None where it has
        begun before, or its session is gone."""
        going_on = GoingOn.of(answered)
        line = self._line(answered.principal, going_on.request)
        async with line:
            while True:
                try:
                    return await self._try_to_go_on(answered, going_on)
                except SessionBusy:
                    await asyncio.sleep(_POLL_S)

    async def _try_to_go_on(self, answered: Answered, going_on: "GoingOn") -> Accepted | None:
        """Raises SessionBusy."""
        principal, turn_id, request_id = answered.principal, going_on.turn_id, uuid4().hex
        async with self._database.begin() as db:
            if await repository.exists(db, turn_id):
                return None
            try:
                taken = await sessions.take_again(
                    db,
                    principal,
                    turn_id,
                    going_on.session_id,
                    before_turn_id=going_on.first_turn_id,
                    history=HISTORY_MESSAGES,
                )
            except SessionNotFound:
                return None
            if taken is None:
                raise SessionBusy
            await repository.begin(
                db,
                self._settings.lease_s,
                id=turn_id,
                organisation_id=principal.organisation_id,
                session_id=going_on.session_id,
                user_id=principal.id,
                continues=going_on.continues,
                request_id=request_id,
                idempotency_key=None,
                request_hash="",
                owner=self._owner,
            )
        limits = replace(principal.limits, session_id=going_on.session_id, turn_id=turn_id)
        return Accepted(
            turn_id,
            going_on.session_id,
            principal.limited(limits),
            going_on.request,
            request_id,
            taken.history,
            time.perf_counter(),
            going_on.continues,
            going_on.resumed,
            going_on.first_turn_id,
        )


@dataclass(frozen=True, slots=True)
class GoingOn:
    """What an answered interaction says of the turn that goes on."""

    turn_id: UUID
    session_id: UUID
    continues: UUID
    first_turn_id: UUID
    request: ChatRequest
    resumed: Resumed

    @classmethod
    def of(cls, answered: Answered) -> "GoingOn":
        """As `kept` wrote it. Raises ValueError for anything else."""
        about, resume = answered.interaction, answered.resume
        if answered.turn_id is None or about.session_id is None or about.turn_id is None:
            raise ValueError("no conversation waits for this answer")
        return cls(
            answered.turn_id,
            about.session_id,
            about.turn_id,
            UUID(resume["first_turn_id"]),
            # The session, and not the thread: the answer may come from another channel.
            ChatRequest.model_validate(
                {**resume["request"], "session_id": about.session_id, "external_ref": None}
            ),
            Resumed(
                resume["state"],
                answered.tool,
                answered.arguments,
                answered.request_state,
                answered.input_responses,
                accepted=about.outcome == "accept",
            ),
        )


def kept(accepted: Accepted, suspended: Suspended) -> dict[str, Any]:
    """What the turn that goes on will need: JSON, sealed at rest with the interaction."""
    return {
        "of": TURN,
        "request": accepted.request.model_dump(mode="json"),
        "first_turn_id": str(accepted.first_turn_id or accepted.turn_id),
        "state": suspended.state,
    }


async def _repeated(db: AsyncSession, principal: Principal, key: str, body: str) -> Repeated | None:
    row = await repository.by_key(db, principal, key)
    if row is None:
        return None
    if row.request_hash != body:
        raise IdempotencyKeyReused
    return Repeated(row.id, row.session_id)


def _hash_of(request: ChatRequest) -> str:
    return hashlib.sha256(request.model_dump_json().encode()).hexdigest()


def _limits(principal: Principal, request: ChatRequest, session_id: UUID, turn_id: UUID) -> TurnLimits:
    """What the person chose, never wider than what the caller's own token allows."""
    held = principal.limits
    chosen = frozenset(request.knowledge_base_ids) if request.knowledge_base_ids else None
    if held.knowledge_base_ids is not None:
        chosen = held.knowledge_base_ids if chosen is None else held.knowledge_base_ids & chosen
    shared = "everyone_here" in (held.audience, request.audience)
    return replace(
        held,
        agent=request.agent or DEFAULT,
        knowledge_base_ids=chosen,
        privacy=held.privacy or request.privacy,
        audience="everyone_here" if shared else "private",
        session_id=session_id,
        turn_id=turn_id,
    )
