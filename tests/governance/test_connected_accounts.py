"""A person's own account at a server, from every door: used, renewed once, and asked for where it is lost."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from mcp import MCPError, types
from redis.asyncio import Redis
from switchboard_sdk import Switchboard

from bot.console.app import Chat, Terminal
from bot.console.parse import Command
from kit.wire.events import TurnCompleted
from kit.wire.interactions import Interaction
from kit.wire.tools import ToolOutcome
from ports.db import Database
from tests.dumps import rows_of, stored_in
from tests.governance.accounts import SECRET, World, world
from tests.platform_api.chat.asking import calls, heard

NOTE = "Buy milk."


@pytest.fixture
async def here(database: Database, redis: Redis, tmp_path: Path) -> AsyncIterator[World]:
    async with world(database, redis, tmp_path) as made:
        yield made


@pytest.mark.proves("GOV-605")
async def test_a_refused_credential_is_renewed_once_then_the_person_is_asked_by_every_client(
    here: World,
) -> None:
    async with here.client("maya") as maya:
        await it_is_asked_for_over_rest(here, maya)
        await it_is_renewed_once_and_the_call_made_again(here, maya)
        await a_client_that_opens_pages_goes_on_by_itself(here, "auto")
        await a_client_that_opens_pages_goes_on_by_itself(here, "legacy")
        await a_client_that_cannot_is_told_where(here, "auto")
        await a_client_that_cannot_is_told_where(here, "legacy")
        await somebody_who_says_no_ends_the_call(here, "auto")
    assert here.issuer.reuses == 0
    assert len(here.refreshes) == len(set(here.refreshes))


async def it_is_asked_for_over_rest(here: World, maya: Switchboard) -> None:
    asked = await maya.tools.invoke("newest_note", {})
    assert isinstance(asked, Interaction)
    assert asked.kind == "connect_account"
    await here.connect()
    ended = await maya.interactions.wait(asked.id, longest_s=60)
    assert ended.result is not None
    assert said(ended.result) == NOTE


async def it_is_renewed_once_and_the_call_made_again(here: World, maya: Switchboard) -> None:
    before = len(here.refreshes)
    await here.refused(renewable=True)
    answers = await asyncio.gather(*(maya.tools.invoke("newest_note", {}) for _ in range(5)))
    assert [said(one) for one in answers if isinstance(one, ToolOutcome)] == [NOTE] * 5
    assert len(here.refreshes) == before + 1


async def a_client_that_opens_pages_goes_on_by_itself(here: World, mode: str) -> None:
    await here.refused(renewable=False)
    opened: list[str] = []

    async def elicit(_: Any, asked: types.ElicitRequestParams) -> types.ElicitResult:
        assert isinstance(asked, types.ElicitRequestURLParams), asked
        opened.append(asked.url)
        await here.in_a_browser(asked.url)
        return types.ElicitResult(action="accept")

    async with here.over_mcp(mode, elicitation_callback=elicit) as client:
        answer: Any = await client.call_tool("newest_note", {})
    assert answer.content[0].text == NOTE, answer
    assert len(opened) == 1


async def a_client_that_cannot_is_told_where(here: World, mode: str) -> None:
    await here.refused(renewable=False)
    async with here.over_mcp(mode) as client:
        with pytest.raises(MCPError) as told:
            await client.call_tool("newest_note", {})
        assert told.value.error.code == types.URL_ELICITATION_REQUIRED
        [page] = told.value.error.data["elicitations"]
        await here.in_a_browser(page["url"])
        answer: Any = await client.call_tool("newest_note", {})
    assert answer.content[0].text == NOTE


async def somebody_who_says_no_ends_the_call(here: World, mode: str) -> None:
    await here.refused(renewable=False)

    async def elicit(_: Any, asked: types.ElicitRequestParams) -> types.ElicitResult:
        return types.ElicitResult(action="decline")

    async with here.over_mcp(mode, elicitation_callback=elicit) as client:
        answer: Any = await client.call_tool("newest_note", {})
    assert answer.is_error
    assert here.url in answer.content[0].text


@pytest.mark.full
@pytest.mark.timeout(240)
@pytest.mark.proves("GOV-604", "GOV-605")
async def test_console_and_turn_go_on_and_no_token_is_seen_anywhere(
    database: Database,
    redis: Redis,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    for client in ("httpx", "httpcore"):
        # the test's own browser logs the addresses that it opens
        caplog.set_level("WARNING", client)
    told: list[str] = []
    async with world(database, redis, tmp_path, apart=True) as here:
        async with here.client("maya") as maya:
            told.append(await the_console_goes_on(here, maya))
            told.append(await a_turn_goes_on(here, maya))
            told += [str(one) async for one in failures(here, maya)]
        await here.gateway.shipper.ship()
        printed = capfd.readouterr()
        told += [printed.out, printed.err, caplog.text, json.dumps(here.model.asked)]
        told += [one async for one in stored_in(redis)]
        told += [await rows_of(database)]
        told += [one.read_bytes().decode("latin-1") for one in tmp_path.rglob("*") if one.is_file()]
    everything = "\n".join(told)
    secrets = {SECRET, *here.refreshes}
    secrets |= {token for family in here.issuer.families for token in (*family.access, family.refresh)}
    secrets |= {one[name] for one in here.issuer.seen for name in ("code", "code_verifier") if name in one}
    secrets |= here.live.seen - {""}
    assert len(secrets) > 15
    assert [one for one in secrets if one in everything] == []
    # and the search does look where things are written
    for wanted in ("credential.opened", "newest_note", "gateway.started", NOTE):
        assert wanted in everything


async def the_console_goes_on(here: World, maya: Switchboard) -> str:
    out = io.StringIO()
    chat = Chat(maya, Terminal(out), read=nobody_types)
    console = asyncio.create_task(chat.take(Command("call", "newest_note")))
    await asked_of(maya)
    await here.connect()
    await asyncio.wait_for(console, 60)
    assert NOTE in out.getvalue()
    return out.getvalue()


async def a_turn_goes_on(here: World, maya: Switchboard) -> str:
    """Nothing is pressed but the page: the conversation goes on by itself."""
    await here.refused(renewable=False)
    here.model.reply_to = lambda body: calls("newest_note")(body["messages"])
    first = await heard(maya.stream("What is my newest note?", agent="helper"))
    assert first.asked.kind == "connect_account"
    await here.connect()
    ended = await maya.interactions.wait(first.asked.interaction_id, longest_s=60)
    assert ended.continued_by is not None
    later = await heard(maya.attach(first.session_id, ended.continued_by))
    assert isinstance(later.last, TurnCompleted)
    assert NOTE in later.last.text
    return "".join(event.model_dump_json() for event in (*first.events, *later.events))


async def failures(here: World, maya: Switchboard) -> AsyncIterator[Any]:
    """What is said where the sign-in answers nothing of use."""
    for how in ("500", "garbage", "invalid_client"):
        await here.connect()
        await here.refused(renewable=True)
        here.issuer.fails = [how]
        yield await maya.tools.invoke("newest_note", {})


async def asked_of(maya: Switchboard) -> Interaction:
    async with asyncio.timeout(30):
        while True:
            async for one in maya.interactions.all(status="open"):
                return one
            await asyncio.sleep(0.05)


async def nobody_types(prompt: str) -> str | None:
    await asyncio.Event().wait()
    return None


def said(outcome: ToolOutcome) -> str:
    return " ".join(str(block.get("text")) for block in outcome.content)
