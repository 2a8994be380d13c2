# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# (JSON as Slack has it, and an SDK without types)
"""What a tool asks is asked in Slack: a form in a modal, an approval by a button, for the asker alone
(SPEC 5). With a model that calls tools, over a running platform."""

import json
import os
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from launch.child import running
from tests.e2e.conftest import Place, data_folder
from tests.e2e.test_governance_journey import World, registered
from tests.platform_api.llm.model_server import Reply, model_server, text, tool_call
from tests.slack.conftest import SETTINGS
from tests.slack.office import Office, bot_key, office
from tests.slack.simulator import Person, Posted, Slack

pytestmark = [pytest.mark.timeout(240), pytest.mark.full]
SERVER = Path(__file__).with_name("asking_server.py")


@dataclass(frozen=True, slots=True)
class Desk:
    office: Office
    notes: Path

    async def asked(self, posted: Posted) -> Posted:
        """The card in the question's thread."""
        return await self.office.answer_to(posted)

    async def ended(self, posted: Posted, word: str) -> None:
        """The turn went on and said it."""
        await self.office.slack.until(
            lambda: [m for m in self.office.answers(posted) if word in m.shown], f"{word} in the thread"
        )
        await self.office.settled()


def model(asked: dict[str, Any]) -> Reply:
    """Calls the tool that the question names, then says what came of it."""
    messages = asked["messages"]
    turn = max(number for number, one in enumerate(messages) if one["role"] == "user")
    told = [str(one["content"]) for one in messages[turn:] if one["role"] == "tool"]
    if told:
        return text(told[-1])
    said = str(messages[turn]["content"])
    if "note" in said:
        return tool_call("note", json.dumps({"text": "eggs"}))
    if "survey" in said:
        return tool_call("survey", "{}")
    return text("Hello.")


@pytest.fixture
async def desk(slack: Slack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Desk]:
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    async with model_server() as server:
        server.reply_to = model
        for name, value in {"PROVIDER": "openai", "BASE_URL": server.url, "MODEL": "gpt-test"}.items():
            monkeypatch.setenv(f"SWITCHBOARD_LLM__{name}", value)
        folder = tmp_path / "agents"
        folder.mkdir()
        (folder / "default.yaml").write_text("name: default\ninstructions: Help.\ntools: ['*']\n")
        monkeypatch.setenv("SWITCHBOARD_AGENTS__FOLDER", os.fspath(folder))
        async with at_work(slack) as desk:
            yield desk


@asynccontextmanager
async def at_work(slack: Slack) -> AsyncGenerator[Desk]:
    with data_folder() as data:
        async with running(data) as started:
            place, notes = Place(started), data / "notes.txt"
            world = World(started.base_url, data, started.pid)
            await registered(world, sys.executable, os.fspath(SERVER), os.fspath(notes), name="asking")
            await world.until("survey", wanted=True)
            async with office(slack, place, await bot_key(place)) as here:
                yield Desk(here, notes)


@pytest.mark.proves("SLACK-302")
async def test_what_tools_ask_is_asked_and_answered_in_slack(desk: Desk) -> None:
    """One platform for all of it: it takes a while to start."""
    await a_denied_approval_does_nothing_and_says_so(desk)
    await an_approval_is_given_by_its_button_and_by_nobody_else(desk)
    await a_form_is_filled_in_by_a_modal(desk)
    await in_a_channel_others_see_that_something_is_asked_but_not_what(desk)


async def an_approval_is_given_by_its_button_and_by_nobody_else(desk: Desk) -> None:
    here = desk.office
    question = await here.maya.say("Please write a note that says eggs")
    card = await desk.asked(question)
    assert "eggs" in card.shown
    forged = Person(here.slack, here.tom.member)
    await forged.click(card, "Allow")
    await here.settled()
    assert not desk.notes.exists()
    await here.maya.click(card, "Allow")
    await desk.ended(question, "Noted: eggs")
    assert desk.notes.read_text() == "eggs\n"
    await here.maya.click(card, "Allow") if card.buttons else None
    await here.settled()
    assert desk.notes.read_text() == "eggs\n"


async def a_denied_approval_does_nothing_and_says_so(desk: Desk) -> None:
    question = await desk.office.maya.say("Please write a note that says eggs")
    card = await desk.asked(question)
    await desk.office.maya.click(card, "Deny")
    await desk.ended(question, "")
    assert not desk.notes.exists()


async def a_form_is_filled_in_by_a_modal(desk: Desk) -> None:
    here = desk.office
    question = await here.maya.say("Please start the survey")
    card = await desk.asked(question)
    await here.maya.click(card, "open_form")
    modal = await here.slack.until(lambda: here.maya.modal, "the modal")
    assert modal is not None
    await here.maya.submit(your_name="M", days_at_home="9")
    await here.settled()
    assert modal.errors or "at least" in modal.shown, modal.shown
    await here.maya.submit(your_name="Maya", days_at_home="3", shirt_size="M", joins_lunch=True)
    await desk.ended(question, '"days": 3')
    assert here.maya.modal is None or "survey" not in here.maya.modal.shown.lower()


async def in_a_channel_others_see_that_something_is_asked_but_not_what(desk: Desk) -> None:
    here = desk.office
    question = await here.maya.mention(here.channel, "Please write a note that says eggs")
    card = await desk.asked(question)
    assert "eggs" not in card.shown.replace(question.text, "")
    await here.maya.click(card, "open_form")
    await here.slack.until(lambda: here.maya.modal, "the modal")
    assert here.maya.modal is not None
    assert "eggs" in here.maya.modal.shown
    await here.maya.submit()
    await desk.ended(question, "Noted: eggs")
