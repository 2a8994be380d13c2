"""A person's day with the bot in Teams, from the first question to the last thumb (SPEC 1 J1, 5, 6)."""

import httpx
import pytest

from tests.teams.office import QUESTION, Office

pytestmark = [pytest.mark.timeout(240)]


@pytest.mark.proves("TEAMS-101")
async def test_a_question_is_answered_by_a_stream_with_sources_that_open(here: Office) -> None:
    said = await here.teams.say(here.maya, here.own, QUESTION)
    answer = await here.answer_to(said)
    assert "20 days" in answer.text
    assert here.teams.streams[answer.stream].status
    entity = next(one for one in answer.activity["entities"] if one["type"].startswith("https://schema"))
    assert entity["additionalType"] == ["AIGeneratedContent"]
    claim = next(one for one in entity["citation"] if f"[{one['position']}]" in answer.text)
    url = claim["appearance"]["url"]
    assert url.split("#")[1] == "annual-leave"
    signed_in = {"Authorization": f"Bearer {await here.platform.key_of('maya')}"}
    async with httpx.AsyncClient(headers=signed_in) as browser:
        opened = await browser.get(url)
    assert "20 days of annual leave" in opened.text
    assert answer.activity["channelData"]["feedbackLoop"] == {"type": "default"}


@pytest.mark.proves("TEAMS-101")
async def test_a_mention_in_a_channel_is_answered_whole_in_its_thread(here: Office) -> None:
    said = await here.teams.say(here.maya, here.channel, QUESTION)
    answer = await here.answer_to(said)
    assert "20 days" in answer.text
    assert answer.conversation.endswith(f";messageid={said.id}")
    assert not answer.stream


async def test_a_group_chat_is_answered_whole(here: Office) -> None:
    said = await here.teams.say(here.tom, here.group, QUESTION)
    assert "20 days" in (await here.answer_to(said)).text
    assert not here.teams.streams


async def test_a_message_in_a_channel_that_mentions_nobody_is_left_alone(here: Office) -> None:
    said = here.teams.said(here.maya, here.channel, QUESTION)
    await here.teams.deliver({**said.activity, "entities": [], "text": QUESTION})
    await here.bot.idle()
    assert not here.teams.shown


async def test_a_thumb_reaches_the_platform(here: Office) -> None:
    answer = await here.answer_to(await here.teams.say(here.maya, here.own, QUESTION))
    await here.teams.vote(here.maya, answer, here.own, "dislike", "too short")
    assert any("/feedback" in call for call in here.wire.passed), here.wire.passed[-5:]


@pytest.mark.proves("TEAMS-103")
async def test_a_private_answer_comes_into_the_1_1_chat(here: Office) -> None:
    said = await here.teams.say(here.maya, here.channel, QUESTION)
    answer = await here.answer_to(said)
    press = next(
        action
        for card in answer.cards
        for part in card["body"]
        for action in part.get("actions", [])
        if action.get("verb") == "privately"
    )
    told = await here.teams.press(here.maya, answer, said.chat, "privately", press["data"])
    assert "our own chat" in told["value"]
    private = lambda: [one for one in here.teams.shown if one.conversation == here.own.id]  # noqa: E731
    await here.teams.until(private)
    await here.bot.idle()
    (shown,) = private()
    assert "20 days" in shown.text
    assert len(here.teams.answers(said)) == 1


async def test_somebody_else_cannot_have_my_question_asked_for_them(here: Office) -> None:
    said = await here.teams.say(here.maya, here.channel, QUESTION)
    answer = await here.answer_to(said)
    press = next(
        action
        for card in answer.cards
        for part in card["body"]
        for action in part.get("actions", [])
        if action.get("verb") == "privately"
    )
    await here.teams.press(here.tom, answer, said.chat, "privately", press["data"])
    await here.bot.idle()
    assert here.teams.shown == [answer]
