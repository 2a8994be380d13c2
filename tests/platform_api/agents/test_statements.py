"""What a booking tool says reaches the person as it says it, and nobody who reads along (decision 0052)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from access.principal import Principal, TurnLimits
from kit.wire.tools import Tool, ToolOutcome
from platform_api.agents.port import AgentEvent, Scope, ToolFinished
from platform_api.agents.tools import Calls
from platform_api.llm.frames import render
from tests.platform_api.agents.test_runtime import maya

SUMMARY = "Your meeting with Dana about a medical is booked for Tuesday. Sent to m@example.com."


class Contact:
    def __init__(self, **structured: Any) -> None:
        self.structured = structured
        self.arguments: list[dict[str, Any]] = []

    async def list_tools(self, principal: Principal) -> list[Tool]:
        return []

    async def call(
        self,
        principal: Principal,
        name: str,
        arguments: dict[str, Any],
        *,
        timeout_s: float = 30.0,
        resumption: Mapping[str, Any] | None = None,
    ) -> ToolOutcome:
        self.arguments.append(arguments)
        return ToolOutcome(is_error=False, content=[], structured=self.structured)


async def told(contact: Contact, name: str = "meetings.book", **limits: Any) -> tuple[str, str, str]:
    """(what a model reads, what is stated, what may be quoted)."""
    events: list[AgentEvent] = []
    principal = maya().limited(replace(TurnLimits(), **limits))
    calls = Calls(contact, principal, Scope(service_scope="ace"), emit=events.append)
    read = await calls.call(name, {"topic": "x"})
    (ended,) = [one for one in events if isinstance(one, ToolFinished)]
    return read, ended.stated, ended.said


@pytest.mark.proves("WISH-103")
async def test_the_summary_is_stated_and_quoted_by_nobody() -> None:
    read, stated, said = await told(Contact(booking_id="1", summary=SUMMARY))
    assert (stated, said) == (SUMMARY, "")
    assert "medical" in read


@pytest.mark.proves("WISH-103")
@pytest.mark.parametrize("name", ["meetings.book", "meetings.list", "meetings.cancel"])
async def test_who_reads_along_learns_nothing_of_my_meetings_nor_does_the_model(
    name: str,
) -> None:
    for structured in ({"booking_id": "1"}, {"bookings": [{"topic": "a medical"}]}):
        contact = Contact(**structured, summary=SUMMARY)
        read, stated, said = await told(contact, name, audience="everyone_here")
        assert (stated, said) == (render("for_you_alone"), "")
        assert "medical" not in read
        assert "example.com" not in read


async def test_that_nothing_came_of_it_is_said_anywhere() -> None:
    contact = Contact(summary="Nothing was booked.")
    assert (await told(contact, audience="everyone_here"))[1] == "Nothing was booked."


async def test_the_service_that_the_person_chose_goes_with_the_wish() -> None:
    contact = Contact(summary="Nothing was booked.")
    await told(contact)
    assert contact.arguments == [{"service": "ace", "topic": "x"}]
