"""A person's day with the bot in Slack, from the first question to the last click (SPEC 1 J1, 5, 6)."""

import re

import httpx
import pytest

from tests.slack.office import QUESTION, Office

pytestmark = [pytest.mark.timeout(240)]


@pytest.mark.proves("SLACK-301")
async def test_a_question_is_answered_in_its_thread_with_sources_that_open(here: Office) -> None:
    asked = await here.maya.say(QUESTION)
    answer = await here.answer_to(asked)
    assert answer.streamed
    assert "20 days" in answer.shown
    assert here.slack.status(here.maya.dm, asked.ts) == ""
    assert here.slack.status_times[here.maya.dm.id, asked.ts]
    (link, *_) = re.findall(r"https?://[^\s)>|]+/documents/[^\s)>|]+", answer.shown)
    assert link.split("#")[1] == "annual-leave"
    signed_in = {"Authorization": f"Bearer {await here.platform.key_of('maya')}"}
    async with httpx.AsyncClient(headers=signed_in) as browser:
        opened = await browser.get(link)
    assert opened.status_code == 200
    assert "20 days of annual leave" in opened.text


async def test_a_follow_up_in_the_thread_belongs_to_the_same_conversation(here: Office) -> None:
    first = await here.maya.say(QUESTION)
    await here.answer_to(first)
    second = await here.maya.say("And in the first year?", thread=first.ts)
    answer = await here.answer_to(second)
    assert answer.thread == first.ts


async def test_a_mention_is_answered_in_a_thread_of_the_channel(here: Office) -> None:
    asked = await here.maya.mention(here.channel, QUESTION)
    answer = await here.answer_to(asked)
    assert "20 days" in answer.shown
    assert answer.ephemeral == ""


async def test_a_vote_reaches_the_platform(here: Office) -> None:
    answer = await here.answer_to(await here.maya.say(QUESTION))
    await here.maya.vote(answer, up=False)
    await here.settled()
    assert any("/feedback" in call for call in here.wire.passed), here.wire.passed[-5:]
