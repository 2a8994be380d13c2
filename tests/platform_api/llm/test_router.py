"""Which model answers: fail-over before the first piece only, breaker, rows."""

import asyncio
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import select

from platform_api.llm.errors import ModelCutOff
from platform_api.llm.frames import render
from platform_api.llm.invocations import Invocations
from platform_api.llm.models import InvocationRow
from platform_api.llm.settings import LlmSettings
from ports.db import Database
from tests.platform_api.llm.conftest import text_of
from tests.platform_api.llm.model_server import ModelServer, Reply, chunk, text

GREETING = render("greeting")


@pytest.mark.proves("LLM-001")
@pytest.mark.parametrize("status", [401, 429, 500])
async def test_the_extractive_model_stands_in_for_one_that_is_down(
    asking: Any, server: ModelServer, status: int
) -> None:
    server.replies = [Reply(status=status)]
    ask = asking()
    assert text_of(await ask("Hello")) == GREETING
    assert ask.spending.degraded == {"model"}
    assert ask.spending.usage().model == "extractive"


async def test_one_immediate_retry_saves_a_hiccup(asking: Any, server: ModelServer) -> None:
    server.replies = [Reply(status=500), text("Fine.")]
    ask = asking()
    assert text_of(await ask()) == "Fine."
    assert ask.spending.degraded == set()


@pytest.mark.proves("LLM-002")
async def test_what_has_been_shown_is_not_continued_by_another_model(
    asking: Any, server: ModelServer
) -> None:
    server.replies = [Reply([chunk("Staff get ")], cut=True)]
    ask = asking()
    pieces = aiter(ask.stream())
    assert (await anext(pieces)).text == "Staff get "
    with pytest.raises(ModelCutOff):
        await anext(pieces)
    assert len(server.asked) == 1
    assert ask.spending.degraded == set()


@pytest.mark.proves("LLM-001")
async def test_a_model_that_keeps_failing_is_not_asked_for_a_while(asking: Any, server: ModelServer) -> None:
    server.replies = [Reply(status=500)]
    ask = asking()
    for _ in range(4):
        assert text_of(await ask("Hello")) == GREETING
    assert len(server.asked) == 3


@pytest.mark.proves("LLM-003")
async def test_every_call_is_a_row(
    asking: Any, server: ModelServer, invocations: Invocations, database: Database
) -> None:
    server.replies = [Reply(status=401), text("Fine.", usage=(1000, 200))]
    ask = asking()
    await ask("Hello")
    await ask("Hello")
    await invocations.flush()
    async with database.begin() as db:
        rows = (await db.scalars(select(InvocationRow).order_by(InvocationRow.latency_ms))).all()
    told = {(row.model, row.success, row.error, row.input_tokens, row.output_tokens) for row in rows}
    assert told == {
        ("gpt-test", False, "model_unauthorised", 0, 0),
        ("extractive", True, None, 0, 0),
        ("gpt-test", True, None, 1000, 200),
    }
    assert {row.turn_id for row in rows} == {ask.spending.turn_id}
    assert {row.user_id for row in rows} == {ask.spending.principal.id}
    assert sum(row.cost for row in rows) == pytest.approx(0.004)


@pytest.mark.proves("LLM-003")
async def test_rows_wait_while_the_database_is_away(
    asking: Any, server: ModelServer, invocations: Invocations, database: Database, monkeypatch: Any
) -> None:
    def away() -> Any:
        raise OSError("gone")

    await asking()()
    with monkeypatch.context() as patched:
        patched.setattr(database, "begin", away)
        await invocations.flush()
    await invocations.flush()
    async with database.begin() as db:
        assert len((await db.scalars(select(InvocationRow))).all()) == 1


async def test_rows_are_written_by_themselves_and_the_rest_at_the_end(
    asking: Any, invocations: Invocations, database: Database
) -> None:
    invocations.start()
    await asking()()
    await invocations.stop()
    async with database.begin() as db:
        assert len((await db.scalars(select(InvocationRow))).all()) == 1


async def test_an_abandoned_call_is_counted_as_such(
    asking: Any, server: ModelServer, invocations: Invocations, database: Database
) -> None:
    hang = asyncio.Event()
    server.replies = [Reply([chunk("Staff get "), hang])]
    reading = asyncio.create_task(asking()())
    await server.reached.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    hang.set()
    await invocations.flush()
    async with database.begin() as db:
        (row,) = (await db.scalars(select(InvocationRow))).all()
    assert (row.success, row.error) == (False, "abandoned")


def test_a_model_that_is_half_configured_is_refused_at_start() -> None:
    with pytest.raises(ValidationError, match="SWITCHBOARD_LLM__BASE_URL"):
        LlmSettings(provider="openai", model="x")
