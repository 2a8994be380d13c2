"""Every question ends in one message, whatever happens to Slack, to the platform or to us (SPEC 1 J1)."""

import asyncio

import pytest

from bot.slack import streaming
from bot.slack.app import SlackBot
from tests import scripted_platform as say
from tests.bot.slack.conftest import Desk
from tests.bot.small_platform import plain
from tests.slack.simulator import Posted

LEAVE = "How many days of leave do I get?"


@pytest.mark.proves("SLACK-101")
async def test_a_question_is_streamed_and_ends_with_its_sources(desk: Desk) -> None:
    async with desk.bot() as bot:
        question = await desk.maya.say(LEAVE)
        answer = await desk.the_answer(bot, question)
        assert answer.streamed
        assert "25 days" in answer.shown
        assert desk.platform.unfinished() == []
        (who, _, body) = desk.platform.asked[0]
        assert who == f"slack:{desk.team.id}/{desk.maya.id}"
        assert body["audience"] == "private"


async def test_in_a_channel_only_what_everyone_there_may_read_is_used(desk: Desk) -> None:
    async with desk.bot() as bot:
        await desk.the_answer(bot, await desk.maya.mention(desk.channel, LEAVE))
        assert desk.platform.asked[0][2]["audience"] == "everyone_here"


@pytest.mark.proves("SLACK-101")
@pytest.mark.parametrize(
    ("method", "error"),
    [
        ("chat.startStream", "internal_error"),
        ("chat.startStream", "channel_type_not_supported"),
        ("chat.appendStream", "message_not_in_streaming_state"),
        ("chat.stopStream", "message_not_in_streaming_state"),
        ("chat.stopStream", "invalid_blocks"),
        ("assistant.threads.setStatus", "internal_error"),
        ("users.info", "internal_error"),
    ],
)
async def test_an_error_of_slack_leaves_one_final_message(desk: Desk, method: str, error: str) -> None:
    desk.slack.fail(method, error)
    async with desk.bot() as bot:
        question = await desk.maya.say(LEAVE)
        assert "25 days" in (await desk.the_answer(bot, question)).shown


@pytest.mark.parametrize("method", ["chat.startStream", "chat.stopStream", "chat.postMessage"])
async def test_an_answer_of_slack_that_is_lost_leaves_one_final_message(desk: Desk, method: str) -> None:
    if method == "chat.postMessage":
        desk.slack.fail("chat.startStream", "internal_error")
    desk.slack.lose(method)
    async with desk.bot() as bot:
        question = await desk.maya.say(LEAVE)
        assert "25 days" in (await desk.the_answer(bot, question)).shown


async def test_a_limit_of_rate_is_waited_for(desk: Desk) -> None:
    desk.slack.fail("chat.startStream", "channel_type_not_supported")
    desk.slack.fail("chat.postMessage", "ratelimited", retry_after=1)
    async with desk.bot() as bot:
        question = await desk.maya.say(LEAVE)
        assert "25 days" in (await desk.the_answer(bot, question)).shown


async def test_blocks_that_slack_does_not_take_become_words(desk: Desk) -> None:
    desk.slack.fail("chat.startStream", "channel_type_not_supported")
    desk.slack.fail("chat.postMessage", "invalid_blocks")
    async with desk.bot() as bot:
        question = await desk.maya.say(LEAVE)
        assert "25 days" in (await desk.the_answer(bot, question)).shown


async def test_a_platform_that_is_away_is_told(desk: Desk) -> None:
    async with desk.bot() as bot:
        desk.platform.away = True
        answer = await desk.the_answer(bot, await desk.maya.say(LEAVE))
        assert "Request id" in answer.shown


@pytest.mark.proves("SLACK-102")
async def test_what_a_bot_that_died_left_behind_is_answered_by_the_next_one(desk: Desk) -> None:
    desk.platform.hold = asyncio.Event()
    async with desk.bot() as first:
        question = await desk.maya.say(LEAVE)
        await desk.slack.until(lambda: desk.platform.asked, "the question at the platform")
        await _dies(first)
    assert len(desk.platform.unfinished()) == 1
    desk.platform.hold = None
    async with desk.bot() as second:
        assert "25 days" in (await desk.the_answer(second, question)).shown
        assert desk.platform.unfinished() == []
    keys = {key for _, key, _ in desk.platform.asked}
    assert len(keys) == 1, "the same question is the same turn"


@pytest.mark.proves("SLACK-102")
@pytest.mark.parametrize("noted", [True, False])
async def test_what_a_bot_that_died_had_begun_to_say_becomes_the_answer(desk: Desk, noted: bool) -> None:
    desk.platform.answers[LEAVE] = [
        say.status(2),
        say.delta(3, "You get 25 days of leave.\n\n"),
        say.delta(4, "And more.\n\n"),
        say.completed(5, "You get 25 days of leave.\n\nAnd more."),
    ]
    desk.platform.hold, desk.platform.hold_at = asyncio.Event(), 2
    async with desk.bot() as first:
        question = await desk.maya.say(LEAVE)
        [begun] = await desk.slack.until(lambda: desk.answers(question), "the first words")
        noting = lambda: [one for one in desk.platform.state.values() if one.value.get("answer")]  # noqa: E731
        await desk.slack.until(noting, "a note of the message")
        await _dies(first)
    desk.platform.hold = None
    for key in desk.platform.unfinished() if not noted else []:
        desk.platform.state[key].value["answer"] = ""
    async with desk.bot() as second:
        await desk.slack.until(lambda: "And more" in begun.shown, "the whole answer")
        assert (await desk.the_answer(second, question)).ts == begun.ts


@pytest.mark.proves("SLACK-102")
async def test_what_slack_does_not_take_for_long_is_said_later(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "ARRIVES_WITHIN_S", 0.0)
    away = [
        desk.slack.fail(f"chat.{name}", status=503, times=None) for name in ("startStream", "postMessage")
    ]
    async with desk.bot() as bot:
        question = await desk.maya.say(LEAVE)
        await desk.slack.until(lambda: away[1].hits, "an attempt at the answer")
        await bot.idle()
        assert len(desk.platform.unfinished()) == 1
        desk.slack.faults.clear()
        desk.platform.grow_old("turn/")
        await bot.answering.recover()
        assert "25 days" in (await desk.the_answer(bot, question)).shown
        assert desk.platform.unfinished() == []


@pytest.mark.proves("SLACK-102")
async def test_another_replicas_unfinished_work_is_left_alone_while_it_lives(desk: Desk) -> None:
    desk.platform.hold = asyncio.Event()
    async with desk.bot() as first:
        question = await desk.maya.say(LEAVE)
        await desk.slack.until(desk.platform.unfinished, "a note of the question")
        async with desk.bot(name="another", app_token="") as second:
            await second.answering.recover(mine_too=True)
            await second.idle()
            assert len(desk.platform.asked) <= 1
            desk.platform.hold.set()
            await desk.the_answer(first, question)


@pytest.mark.proves("SLACK-102")
async def test_a_question_that_slack_delivers_again_is_answered_once_also_after_a_restart(desk: Desk) -> None:
    async with desk.bot() as bot:
        question = await desk.maya.say(LEAVE)
        await desk.the_answer(bot, question)
    event = desk.maya.event_body(desk.maya.message_event(question), desk.maya.dm)
    async with desk.bot() as bot:
        await desk.slack.door.deliver("events_api", event)
        await desk.slack.quiet()
        await desk.the_answer(bot, question)
        assert len(desk.platform.asked) == 1


@pytest.mark.proves("SLACK-101")
async def test_questions_of_a_thread_are_answered_in_their_order(desk: Desk) -> None:
    texts = [f"Question {number}" for number in range(6)]
    desk.platform.answers = {text: plain(f"25 days, answer to {text}. [1]") for text in texts}
    async with desk.bot() as bot:
        first = await desk.maya.say(texts[0])
        for text in texts[1:]:
            await desk.maya.say(text, thread=first.ts)
        await desk.slack.until(lambda: len(_done(desk, first.ts)) == len(texts), "all answers")
        await bot.idle()
        shown = [one.shown for one in _done(desk, first.ts)]
        assert all(text in answer for text, answer in zip(texts, shown, strict=True)), shown


async def test_an_edited_question_gets_its_new_answer_in_the_same_message(desk: Desk) -> None:
    desk.platform.answers["And sick leave?"] = plain("Six weeks of sick pay. [1]")
    async with desk.bot() as bot:
        question = await desk.maya.say(LEAVE)
        before = await desk.the_answer(bot, question)
        await desk.maya.edit(question, "And sick leave?")
        await desk.slack.until(lambda: "Six weeks" in desk.answers(question)[0].shown, "the new answer")
        assert (await desk.the_answer(bot, question)).ts == before.ts


async def test_a_question_that_is_edited_while_it_is_answered_is_answered_as_it_stands(desk: Desk) -> None:
    desk.platform.answers["And sick leave?"] = plain("Six weeks of sick pay. [1]")
    desk.platform.hold = asyncio.Event()
    async with desk.bot() as bot:
        question = await desk.maya.say(LEAVE)
        await desk.slack.until(lambda: desk.platform.asked, "the question at the platform")
        await desk.maya.edit(question, "And sick leave?")
        await desk.slack.until(lambda: len(desk.platform.asked) == 2, "the new question")
        desk.platform.hold.set()
        assert "Six weeks" in (await desk.the_answer(bot, question)).shown


async def test_a_question_that_is_deleted_is_not_answered_any_more(desk: Desk) -> None:
    desk.platform.hold = asyncio.Event()
    async with desk.bot() as bot:
        question = await desk.maya.say(LEAVE)
        await desk.slack.until(lambda: desk.platform.asked, "the question at the platform")
        await desk.maya.delete(question)
        [told] = await desk.slack.until(lambda: desk.slack.answers(desk.maya.dm), "a word about it")
        desk.platform.hold.set()
        await bot.idle()
        assert desk.slack.answers(desk.maya.dm) == [told]
        assert "deleted the question" in told.shown
        assert desk.platform.unfinished() == []


async def test_the_answer_to_a_mention_that_was_deleted_is_its_askers_alone(desk: Desk) -> None:
    desk.platform.hold = asyncio.Event()
    async with desk.bot() as bot:
        question = await desk.maya.mention(desk.channel, LEAVE)
        await desk.slack.until(lambda: desk.platform.asked, "the question at the platform")
        await desk.maya.delete(question)
        desk.platform.hold.set()
        [told] = await desk.slack.until(lambda: desk.slack.answers(desk.channel), "the answer")
        await bot.idle()
        assert told.ephemeral == desk.maya.id


def _done(desk: Desk, thread: str) -> list[Posted]:
    return [one for one in desk.slack.answers(desk.maya.dm, thread) if not one.streaming]


async def _dies(bot: SlackBot) -> None:
    """As a process that is killed: what is under way simply stops."""
    await bot.desk.lanes.close(0.0)


async def test_the_agent_of_the_settings_answers(desk: Desk) -> None:
    async with desk.bot(agent="office") as bot:
        await desk.the_answer(bot, await desk.maya.say(LEAVE))
        assert desk.platform.asked[0][2]["agent"] == "office"
