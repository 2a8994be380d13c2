"""What the platform asks a person and waits for: forms, choices, approvals, pages to open."""

import time
from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import UUID

from kit.wire.interactions import (
    Action,
    AskedOf,
    Interaction,
    RememberedApproval,
    Respond,
    Responded,
    Status,
)
from switchboard_sdk.errors import ApiError
from switchboard_sdk.pages import every
from switchboard_sdk.transport import WORTH_REPEATING, Call, Transport, checked, write

INTERACTIONS = "/api/v1/interactions"
REMEMBERED = "/api/v1/me/approvals"
ASKED_FOR_S = 25.0
"""How long one question to the platform waits; it allows no more."""
_AWAY_S = 1.0


class Interactions:
    """All methods raise ApiError; where a form is not filled in correctly (code `answer_invalid`), its
    `problem.errors` says what is wrong with which field."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def all(
        self, *, status: Status | None = None, asked_of: AskedOf | None = None
    ) -> AsyncIterator[Interaction]:
        """The caller's, open ones first. asked_of second_person: what others asked that the caller may
        decide."""
        asked = {"status": status, "asked_of": asked_of}
        return every(
            self._transport, Interaction, INTERACTIONS, {name: to for name, to in asked.items() if to}
        )

    async def get(self, interaction_id: UUID) -> Interaction:
        return await self._transport.read(Interaction, Call("GET", f"{INTERACTIONS}/{interaction_id}"))

    def remembered(self) -> AsyncIterator[RememberedApproval]:
        """Tools that are called without asking the caller again, each in one conversation; newest first."""
        return every(self._transport, RememberedApproval, REMEMBERED)

    async def forget(self, approval_id: str) -> None:
        """The next call of that tool asks again."""
        await self._transport.send(write("DELETE", f"{REMEMBERED}/{approval_id}"))

    async def respond(
        self, interaction_id: UUID, action: Action, content: Mapping[str, Any] | None = None
    ) -> Responded:
        """Counts once; the same again is answered the same. Attach to `turn_id`, where there is one."""
        body = checked(Respond, action=action, content=dict(content or {}))
        call = write("POST", f"{INTERACTIONS}/{interaction_id}/respond", body)
        return await self._transport.read(Responded, call)

    async def wait(self, interaction_id: UUID, *, longest_s: float = 600.0) -> Interaction:
        """Once it was answered, here or in another channel, has expired, or a call by itself has brought its
        result; or as it is after `longest_s`. A platform that is away meanwhile is waited for, too."""
        until = time.monotonic() + longest_s
        while True:
            left = max(0.0, until - time.monotonic())
            asked_s = min(ASKED_FOR_S, left)
            call = Call(
                "GET",
                f"{INTERACTIONS}/{interaction_id}",
                params={"wait": f"{asked_s:.1f}"},
                answer_s=asked_s + self._transport.patience.answer_s,
            )
            try:
                interaction = await self._transport.read(Interaction, call)
            except ApiError as error:
                if error.status not in WORTH_REPEATING or left <= asked_s:
                    raise
                await self._transport.sleep(_AWAY_S)
                continue
            if interaction.settled or left <= asked_s:
                return interaction
