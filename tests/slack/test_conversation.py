"""A person's day with the bot in Slack, from the first question to the last click (SPEC 1 J1, 5, 6)."""

import pytest

from tests.slack.office import QUESTION, Office

pytestmark = [pytest.mark.timeout(240), pytest.mark.xdist_group("slack")]


@pytest.mark.proves("SLACK-301")
async def test_a_question_is_answered_in_its_thread_with_sources_that_open(here: Office) -> None:
    asked = await here.maya.say(QUESTION)
    answer = await here.answer_to(asked)
    assert answer.streamed
    assert "25 days" in answer.shown
    assert here.slack.status(here.maya.dm, asked.ts) == ""
    assert here.slack.status_times[here.maya.dm.id, asked.ts]
    links = [
        word for word in answer.shown.replace("(", " ").replace(")", " ").split() if "/documents/" in word
    ]
    assert links
    async with here.person("maya") as maya:
        found = await maya.sessions.all().__anext__()
    assert found.channel == "slack"


async def test_a_follow_up_in_the_thread_belongs_to_the_same_conversation(here: Office) -> None:
    first = await here.maya.say(QUESTION)
    await here.answer_to(first)
    second = await here.maya.say("And in the first year?", thread=first.ts)
    answer = await here.answer_to(second)
    assert answer.thread == first.ts


async def test_a_mention_is_answered_in_a_thread_of_the_channel(here: Office) -> None:
    asked = await here.maya.mention(here.channel, QUESTION)
    answer = await here.answer_to(asked)
    assert "25 days" in answer.shown
    assert answer.ephemeral == ""


async def test_a_vote_reaches_the_platform(here: Office) -> None:
    answer = await here.answer_to(await here.maya.say(QUESTION))
    await here.maya.vote(answer, up=False)
    await here.settled()
    assert any("/feedback" in call for call in here.wire.passed), here.wire.passed[-5:]
