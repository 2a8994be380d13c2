"""A person who books, in each channel: fills in what is asked by name, takes the first slot, and agrees."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx2
from mcp import Client, types
from mcp.client.streamable_http import streamable_http_client
from switchboard_sdk import Switchboard

from bot.core.asking import fields_of
from kit.wire.events import InteractionRequested, TurnCompleted, TurnFailed
from kit.wire.interactions import Form

GIVEN: dict[str, Any] = {
    "first_name": "Maya",
    "last_name": "Patel",
    "email": "maya@example.com",
    "topic": "ACE training",
    "reason": "training",
    "window": "next week",
    "duration": "30",
    "consent_privacy": True,
    "consent_contact": False,
    "decision": "book",
}
"""Field of a form → what Maya answers."""


@dataclass(slots=True)
class Maya:
    """Answers forms; `asked` are the names of the fields that each of them had."""

    given: dict[str, Any] = field(default_factory=lambda: dict(GIVEN))
    asked: list[list[str]] = field(default_factory=list[list[str]])

    def answer(self, form: Form) -> dict[str, Any]:
        """Required fields, and what else she has something to say to; of slots the first."""
        fields = fields_of(form)
        self.asked.append([one.name for one in fields])
        answers: dict[str, Any] = {}
        for one in fields:
            if one.name == "slot":
                answers["slot"] = one.options[0].value
            elif one.name in self.given:
                answers[one.name] = self.given[one.name]
        return answers

    async def elicit(self, context: Any, params: Any) -> types.ElicitResult:
        """As the MCP SDK's client asks."""
        form = Form(key="q", message=params.message, requested_schema=params.requested_schema)
        return types.ElicitResult(action="accept", content=self.answer(form))


async def one_turn(switchboard: Switchboard, session_id: UUID, turn_id: UUID) -> Any:
    """How it ends."""
    last = None
    async for event in switchboard.attach(session_id, turn_id):
        last = event
    return last


async def open_form(switchboard: Switchboard) -> Any:
    """The one interaction that waits."""
    (waiting,) = [one async for one in switchboard.interactions.all(status="open")]
    return await switchboard.interactions.get(waiting.id)


async def answered(switchboard: Switchboard, interaction_id: UUID, maya: Maya) -> Any:
    """One step further: the end of the turn that goes on with her answer."""
    interaction = await switchboard.interactions.get(interaction_id)
    responded = await switchboard.interactions.respond(
        interaction.id, "accept", maya.answer(interaction.forms[0])
    )
    assert interaction.session_id is not None
    assert responded.turn_id is not None
    return await one_turn(switchboard, interaction.session_id, responded.turn_id)


async def to_the_end(switchboard: Switchboard, ended: Any, maya: Maya) -> TurnCompleted:
    """Over REST, whatever it is asked on the way."""
    while isinstance(ended, InteractionRequested):
        ended = await answered(switchboard, ended.interaction_id, maya)
    assert not isinstance(ended, TurnFailed), ended
    assert isinstance(ended, TurnCompleted), ended
    return ended


@dataclass(slots=True)
class Typist:
    """Reads the console's prompts and types; `prompts` is what stood there."""

    maya: Maya = field(default_factory=Maya)
    prompts: list[str] = field(default_factory=list[str])
    by_title: dict[str, str] = field(default_factory=dict[str, str])

    async def __call__(self, prompt: str) -> str | None:
        self.prompts.append(prompt)
        title = prompt.strip().lower()
        for beginning, typed in {**TYPED, **self.by_title}.items():
            if title.startswith(beginning):
                return typed
        return "" if "optional" in title or "[" in title else "yes" if "yes/no" in title else "Maya"


TYPED = {
    "first name": "Maya",
    "last name": "Patel",
    "e-mail": "maya@example.com",
    "topic": "ACE training",
    "when": "next week",
    "time": "1",
    "your decision": "1",
}
"""Beginning of a prompt → what is typed."""


@asynccontextmanager
async def mcp_client(url: str, key: str, mode: str, maya: Maya) -> AsyncGenerator[Client]:
    """The Python SDK's client, which nobody here wrote; `mode` legacy or auto."""
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx2.AsyncClient(headers=headers, timeout=30, trust_env=False) as http:
        transport = streamable_http_client(f"{url}/mcp", http_client=http)
        async with Client(transport, mode=mode, elicitation_callback=maya.elicit) as client:
            yield client
