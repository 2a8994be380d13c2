"""Calling a tool by itself, without a conversation: now, or once the person has answered (SPEC 3, 5)."""

import hashlib
from typing import Any
from uuid import UUID

import msgspec
import structlog

from access.principal import Principal
from kit.errors import SwitchboardError, ToolTimedOut
from kit.wire.base import Wire
from kit.wire.interactions import Interaction
from kit.wire.tools import ToolOutcome
from platform_api.agents.port import ToolGateway
from platform_api.edge import idempotency
from platform_api.edge.errors import StillUnknown
from platform_api.interactions.asking import Answered, Suspended
from platform_api.interactions.service import Interactions
from platform_api.toolbox.errors import AnswerLost, GatewayFailed
from platform_api.toolbox.patience import patience_of
from ports.db import Database

INVOCATION = "invoke"
"""Whose an interaction is: ours, in what is kept with it."""
_UNKNOWN = (
    "The call was begun with your answer and was cut off on our side, so it is not known whether the tool did"
    " its work. Look there before you call it again."
)
_MAY_HAVE_RUN = (ToolTimedOut, GatewayFailed, AnswerLost)
"""After these the same key does not call again: nobody knows whether the first call did its work."""
log = structlog.get_logger()


class Invoked(Wire):
    """What a call came to: its outcome, or the interaction that it waits for."""

    outcome: ToolOutcome | None = None
    interaction_id: UUID | None = None


class Invoking:
    def __init__(
        self, database: Database, gateway: ToolGateway, interactions: Interactions, timeout_s: float
    ) -> None:
        self._database = database
        self._gateway = gateway
        self._interactions = interactions
        self._timeout_s = timeout_s

    async def invoke(
        self, principal: Principal, name: str, arguments: dict[str, Any], key: str | None = None
    ) -> ToolOutcome | Interaction:
        """Once under one key. Raises NoSuchTool, ToolsUnavailable, ToolTimedOut, GatewayFailed, Unaskable,
        IdempotencyKeyReused, StillUnknown."""
        if key and (before := await self._begun(principal, key, _fingerprint(name, arguments))):
            return await self._again(principal, before)
        try:
            outcome = await self._gateway.call(principal, name, arguments, timeout_s=self._timeout_s)
        except SwitchboardError as error:
            if not isinstance(error, _MAY_HAVE_RUN):
                await self._forget(principal, key)
            raise
        asked = await self._waits(principal, name, arguments, outcome)
        if key:
            told = Invoked(interaction_id=asked.id) if asked else Invoked(outcome=outcome)
            async with self._database.begin() as session:
                await idempotency.end(session, principal, key, told)
        return asked or outcome

    async def go_on(self, answered: Answered) -> None:
        """Hears that a person has answered: the call is made again with the answer, at most once."""
        if answered.resume.get("of") != INVOCATION or answered.interaction.result is not None:
            return
        mark = f"interaction:{answered.interaction.id}"
        try:
            if await self._begun(answered.principal, mark, mark) is None:
                outcome = await self._with_answer(answered)
            else:
                return
        except StillUnknown:
            outcome = _failed(_UNKNOWN)
        await self._interactions.finish(answered.interaction.id, outcome)

    async def _with_answer(self, answered: Answered) -> ToolOutcome:
        given: dict[str, Any] = {"inputResponses": answered.input_responses}
        if answered.request_state is not None:
            given["requestState"] = answered.request_state
        try:
            outcome = await self._gateway.call(
                answered.principal,
                answered.tool,
                answered.arguments,
                timeout_s=self._timeout_s,
                resumption=given,
            )
            asked = await self._waits(answered.principal, answered.tool, answered.arguments, outcome)
        except SwitchboardError as error:
            log.warning("agents.invocation_failed", tool=answered.tool, code=error.code)
            return _failed(f"{error.detail} {error.hint}")
        if asked is None:
            return outcome
        text = "The tool asks again before it goes on."
        return ToolOutcome(is_error=False, content=[{"type": "text", "text": text}], interaction_id=asked.id)

    async def _waits(
        self, principal: Principal, name: str, arguments: dict[str, Any], outcome: ToolOutcome
    ) -> Interaction | None:
        if (needs := outcome.needs_input) is None:
            return None
        suspended = Suspended(
            name,
            arguments,
            needs.input_requests,
            needs.request_state,
            expires_s=patience_of(needs.input_requests),
            resume={"of": INVOCATION},
        )
        async with self._database.begin() as session:
            return await self._interactions.open(session, principal, suspended)

    async def _begun(self, principal: Principal, key: str, fingerprint: str) -> Invoked | None:
        async with self._database.begin() as session:
            return await idempotency.begin(session, principal, key, fingerprint, Invoked)

    async def _again(self, principal: Principal, before: Invoked) -> ToolOutcome | Interaction:
        if before.outcome is not None:
            return before.outcome
        assert before.interaction_id is not None, "a call has an outcome or waits"
        async with self._database.begin() as session:
            return await self._interactions.get(session, principal, before.interaction_id)

    async def _forget(self, principal: Principal, key: str | None) -> None:
        if key:
            async with self._database.begin() as session:
                await idempotency.forget(session, principal, key)


def _fingerprint(name: str, arguments: dict[str, Any]) -> str:
    said = msgspec.json.encode([name, arguments], order="sorted")
    return f"invoke {hashlib.sha256(said).hexdigest()}"


def _failed(text: str) -> ToolOutcome:
    return ToolOutcome(is_error=True, content=[{"type": "text", "text": text}])
