"""One accepted turn, run to its one terminal event, whatever happens on the way (SPEC 4)."""

import asyncio
import time
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID, uuid4

import structlog
from opentelemetry.trace import Span, Status, StatusCode
from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal
from kit import telemetry
from kit.errors import SwitchboardError
from kit.wire.chat import Usage
from kit.wire.events import InteractionRequested, TurnCompleted, TurnFailed, TurnStarted
from kit.wire.interactions import Interaction
from platform_api.agents.port import AgentRuntime, Suspended
from platform_api.chat import ending, repository
from platform_api.chat.acceptance import Accepted, kept
from platform_api.chat.answer import Answer
from platform_api.chat.checks import Checks, Means
from platform_api.chat.errors import CannotAsk, Interrupted, SessionGone, TurnTimedOut
from platform_api.chat.log import Entry, TurnLog, entry_of, renumbered
from platform_api.chat.metrics import turn_seconds, turns_total
from platform_api.chat.settings import ChatSettings
from platform_api.chat.writing import Writing
from platform_api.interactions import asking
from platform_api.sessions.service import Paused
from platform_api.toolbox.patience import patience_of
from ports.db import Database
from ports.queue import Queue

_SAVE_PAUSES_S = (0.2, 1.0, 3.0)
log = structlog.get_logger()
tracer = telemetry.tracer("chat")


class Asks(Protocol):
    """Keeps what a tool asks a person; `platform_api.interactions` does."""

    async def open(
        self,
        session: AsyncSession,
        principal: Principal,
        suspended: asking.Suspended,
        *,
        session_id: UUID | None = None,
        turn_id: UUID | None = None,
    ) -> Interaction:
        """In the caller's commit. Raises Unaskable."""
        ...


@dataclass(frozen=True, slots=True)
class Waits:
    """How a turn ends that asks the person; the event is made where the interaction gets its id."""

    suspended: Suspended
    said: Paused
    usage: Usage


class _Lost(Exception):
    """The turn has ended otherwise: what was to be committed with this end is not."""


End = TurnCompleted | TurnFailed | Waits


@dataclass(frozen=True, slots=True)
class TurnRunner:
    """`owner` names this process in the leases of its turns."""

    database: Database
    queue: Queue
    runtime: AgentRuntime
    settings: ChatSettings
    owner: UUID
    means: Means
    asks: Asks | None = None

    async def run(self, accepted: Accepted, turn: TurnLog) -> None:
        """Never raises but CancelledError, and then, too, the turn has ended before."""
        with tracer.start_as_current_span("turn", attributes=_attributes(accepted)) as span:
            turn.say(
                TurnStarted,
                session_id=accepted.session_id,
                request_id=accepted.request_id,
                continues=accepted.continues,
            )
            cancelled: asyncio.CancelledError | None = None
            event: End
            try:
                event = await self._outcome(accepted, turn)
            except asyncio.CancelledError as error:
                cancelled = error
                event = ending.failure(accepted.turn_id, turn.next_seq, Interrupted(), accepted.request_id)
            # A second cancellation must not tear the last write apart.
            await asyncio.shield(self._finish(accepted, turn, event))
            _measure(accepted, event, span)
            if cancelled:
                raise cancelled

    async def _outcome(self, accepted: Accepted, turn: TurnLog) -> End:
        try:
            async with asyncio.timeout(self.settings.turn_timeout_s):
                return await self._answer(accepted, turn)
        except TimeoutError:
            error: SwitchboardError = TurnTimedOut()
        except SwitchboardError as raised:
            error = raised
            log.warning("chat.turn_failed", turn_id=str(accepted.turn_id), code=error.code, exc_info=raised)
        except Exception as raised:
            error = SwitchboardError()
            log.error("chat.turn_broke", turn_id=str(accepted.turn_id), exc_info=raised)
        return ending.failure(accepted.turn_id, turn.next_seq, error, accepted.request_id)

    async def _answer(self, accepted: Accepted, turn: TurnLog) -> TurnCompleted | Waits:
        checks = self._checks(accepted)
        writing = Writing(accepted, turn, checks)
        try:
            await writing.run(self.runtime)
        finally:
            await checks.close()
        if writing.suspended:
            said = Paused(writing.answer.text, writing.answer.citations)
            return Waits(writing.suspended, said, checks.with_judge(writing.usage))
        return TurnCompleted(
            turn_id=accepted.turn_id,
            seq=turn.next_seq,
            session_id=accepted.session_id,
            message_id=uuid4(),
            request_id=accepted.request_id,
            outcome=writing.outcome(),
            text=writing.answer.text,
            citations=writing.answer.citations,
            degraded=sorted(writing.degraded) or None,
            usage=checks.with_judge(writing.usage),
            timings=writing.timings(),
        )

    def _checks(self, accepted: Accepted) -> Checks:
        principal, judges = accepted.principal, self.means.judges
        answer = Answer(self.settings.threshold, self.settings.policy)
        judge = judges.of(principal, accepted.turn_id) if judges else None
        return Checks(answer, self.means, principal.access_keys, judge)

    async def _finish(self, accepted: Accepted, turn: TurnLog, event: End) -> None:
        """Save, then tell: nobody hears of an end that could still be lost."""
        for pause in (*_SAVE_PAUSES_S, None):
            try:
                turn.append(await self._saved(accepted, turn, event))
                return
            except SwitchboardError as error:
                # What the tool asks cannot be asked: saving it again would not help.
                event = ending.failure(accepted.turn_id, turn.next_seq, error, accepted.request_id)
            except Exception as error:
                log.warning("chat.turn_unsaved", turn_id=str(accepted.turn_id), error=type(error).__name__)
                if pause is not None:
                    await asyncio.sleep(pause)
        # The row stays behind; its lease runs out and a sweeper ends it with these very words.
        unsaved = ending.failure(accepted.turn_id, turn.next_seq, Interrupted(), accepted.request_id)
        turn.append(entry_of(unsaved.dump()))

    async def _saved(self, accepted: Accepted, turn: TurnLog, event: End) -> Entry:
        """The terminal event as it now stands in the row: ours, or whoever's came first.

        Raises SwitchboardError where a question cannot be asked.
        """
        try:
            async with self.database.begin() as db:
                return entry_of((await self._written(db, accepted, turn, event)).dump())
        except _Lost:
            async with self.database.begin() as db:
                stored = await repository.terminal(db, accepted.turn_id)
        if stored is None:
            gone = ending.failure(accepted.turn_id, turn.next_seq, SessionGone(), accepted.request_id)
            return entry_of(gone.dump())
        return renumbered(stored, turn.next_seq)

    async def _written(
        self, db: AsyncSession, accepted: Accepted, turn: TurnLog, event: End
    ) -> TurnCompleted | TurnFailed | InteractionRequested:
        """Raises _Lost."""
        whose = {"organisation_id": accepted.principal.organisation_id, "user_id": accepted.principal.id}
        if isinstance(event, Waits):
            return await self._suspended(db, accepted, turn, event, whose)
        if isinstance(event, TurnCompleted):
            won = await ending.complete(db, self.queue, self.owner, whose, event)
        else:
            won = await ending.fail(db, self.queue, event, accepted.session_id, whose, owner=self.owner)
        if not won:
            raise _Lost
        return event

    async def _suspended(
        self, db: AsyncSession, accepted: Accepted, turn: TurnLog, waits: Waits, whose: dict[str, UUID]
    ) -> InteractionRequested:
        if self.asks is None:
            raise CannotAsk
        asked = asking.Suspended(
            waits.suspended.tool,
            waits.suspended.arguments,
            waits.suspended.needs.input_requests,
            waits.suspended.needs.request_state,
            expires_s=patience_of(waits.suspended.needs.input_requests),
            resume=kept(accepted, waits.suspended),
        )
        interaction = await self.asks.open(
            db, accepted.principal, asked, session_id=accepted.session_id, turn_id=accepted.turn_id
        )
        event = requested(interaction, accepted.turn_id, turn.next_seq)
        won = await ending.suspend(
            db,
            self.queue,
            self.owner,
            whose,
            event,
            session_id=accepted.session_id,
            request_id=accepted.request_id,
            said=waits.said,
            usage=waits.usage,
        )
        if not won:
            raise _Lost
        return event


def requested(interaction: Interaction, turn_id: UUID, seq: int) -> InteractionRequested:
    """The event that ends a turn with a question; its `form` is what every channel renders."""
    return InteractionRequested(
        turn_id=turn_id,
        seq=seq,
        interaction_id=interaction.id,
        kind=interaction.kind,
        form={
            "title": interaction.title,
            "tool": interaction.tool,
            "forms": [form.model_dump(mode="json", exclude_none=True) for form in interaction.forms],
        },
        expires_at=interaction.expires_at,
    )


def _attributes(accepted: Accepted) -> dict[str, str]:
    return {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.conversation.id": str(accepted.session_id),
        "switchboard.turn_id": str(accepted.turn_id),
        "user.id": str(accepted.principal.id),
        "session.id": str(accepted.session_id),
    }


def _measure(accepted: Accepted, event: End, span: Span) -> None:
    turn_seconds.observe(time.perf_counter() - accepted.began)
    if isinstance(event, TurnCompleted):
        turns_total.labels(event.outcome).inc()
        span.set_attribute("switchboard.outcome", event.outcome)
        return
    if isinstance(event, Waits):
        turns_total.labels("suspended").inc()
        return
    turns_total.labels("failed").inc()
    span.set_status(Status(StatusCode.ERROR, event.code))
