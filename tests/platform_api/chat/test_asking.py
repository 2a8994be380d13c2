"""A tool asks the person in the middle of a turn; the answer goes on with it, wherever it comes from."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from switchboard_sdk import ApiError

from kit.wire.events import InteractionRequested, TurnCompleted, TurnStarted
from ports.db import Database
from tests.platform_api.chat.asking import World, calls, heard, world

NAME = "test_input_required_result_elicitation"
SEVERAL = "test_input_required_result_multi_round"
OLD = "test_elicitation"
AGENT: dict[str, Any] = {"agent": "helper"}


@pytest.fixture
async def desk(database: Database, redis: Redis, tmp_path: Path) -> AsyncIterator[World]:
    async with world(database, redis, tmp_path) as made:
        await made.start()
        yield made


@pytest.mark.proves("GOV-401")
async def test_the_answer_goes_on_with_the_turn_on_another_replica(desk: World) -> None:
    desk.script(calls(NAME))
    maya = await desk.client()
    asked = await heard(maya.stream("Greet me.", **AGENT))
    form = asked.asked.form["forms"][0]
    assert (form["message"], list(form["requested_schema"]["properties"])) == ("What is your name?", ["name"])

    elsewhere = await desk.client(await desk.start())
    responded = await elsewhere.interactions.respond(asked.asked.interaction_id, "accept", {"name": "Maya"})
    assert responded.turn_id is not None
    later = await heard(maya.attach(asked.session_id, responded.turn_id))
    started = later.events[0]
    assert isinstance(started, TurnStarted)
    assert started.continues == asked.asked.turn_id
    assert isinstance(later.last, TurnCompleted)
    assert later.last.text.startswith("Hello, Maya!")
    assert (later.last.citations[0].title, later.last.citations[0].quote) == (NAME, "Hello, Maya!")
