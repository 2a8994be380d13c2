"""Buttons, forms, files and what the platform starts (SPEC 3, 5)."""

import asyncio

import pytest

from bot.slack import alone, modals
from tests import scripted_platform as say
from tests.bot.slack.conftest import Desk
from tests.bot.small_platform import JOB, delivery
from tests.slack.simulator import Person, Posted

BOOK = "Book a meeting about leave"


def identity(person: Person) -> str:
    return f"slack:{person.team.id}/{person.id}"


async def card(desk: Desk, where: str = "dm") -> tuple[Posted, Posted, str]:
    """The question, the card that came back, and the interaction's id."""
    interaction = desk.platform.ask(BOOK, identity(desk.maya))
    question = await (desk.maya.say(BOOK) if where == "dm" else desk.maya.mention(desk.channel, BOOK))
    await desk.slack.until(lambda: f"card/{interaction}" in desk.platform.state, "the card")
    [found] = desk.answers(question)
    return question, found, interaction


async def test_a_form_is_filled_in_and_the_turn_goes_on_below(desk: Desk) -> None:
    async with desk.bot() as bot:
        question, asked, _ = await card(desk)
        await desk.maya.click(asked, "open_form")
        await desk.slack.until(lambda: desk.maya.modal, "the form")
        await desk.maya.submit(Topic="Leave")
        await desk.slack.until(lambda: len(desk.answers(question)) == 2, "what came of it")
        await bot.idle()
        assert desk.platform.responded == [
            (identity(desk.maya), {"action": "accept", "content": {"topic": "Leave"}})
        ]
        assert "booked" in desk.answers(question)[1].shown
        assert not [one for one in desk.answers(question)[0].buttons if "open_form" in one["action_id"]]


@pytest.mark.proves("SLACK-407")
async def test_a_form_that_takes_its_time_opens_at_once_and_is_there_soon(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slack lets us open one for three seconds only."""
    monkeypatch.setattr(modals, "OPENED_WITHIN_S", 0.01)
    async with desk.bot() as bot:
        _, asked, _ = await card(desk)
        desk.platform.slowly = asyncio.Event()
        await desk.maya.click(asked, "open_form")
        await desk.slack.until(lambda: desk.maya.modal, "a view")
        assert desk.maya.modal is not None
        assert "One moment" in desk.maya.modal.shown
        desk.platform.slowly.set()
        await bot.idle()
        assert "Topic" in desk.maya.modal.shown
        await desk.maya.submit(Topic="Leave")
        await desk.slack.until(lambda: desk.platform.responded, "the answer")
        await bot.idle()


async def test_what_the_platform_refuses_stands_beside_its_field(desk: Desk) -> None:
    desk.platform.wrong = [{"field": "topic", "message": "Too short."}]
    async with desk.bot():
        _, asked, _ = await card(desk)
        await desk.maya.click(asked, "open_form")
        await desk.slack.until(lambda: desk.maya.modal, "the form")
        delivered = await desk.maya.submit(Topic="L")
        assert "Too short." in str(delivered.answer)


async def test_what_is_asked_of_one_person_nobody_else_answers(desk: Desk) -> None:
    tom = desk.slack.person("tom", desk.team)
    desk.channel.members.add(tom.id)
    async with desk.bot() as bot:
        _, asked, _ = await card(desk, "channel")
        await tom.click(asked, "open_form")
        await bot.idle()
        assert tom.modal is None
        assert desk.platform.responded == []
        told = [one for one in desk.slack.answers(asked.channel) if one.ephemeral == tom.id]
        assert [one.shown for one in told if "somebody else" in one.shown]


async def test_a_file_is_kept_and_its_end_told_in_one_message(desk: Desk) -> None:
    async with desk.bot() as bot:
        sent = await desk.maya.upload("rates.md", b"# Rates")
        await desk.slack.until(lambda: desk.platform.uploaded, "the upload")
        await bot.idle()
        [(who, _)] = desk.platform.uploaded
        assert who == identity(desk.maya)
        [told] = [one for one in desk.slack.answers(sent.channel) if "rates.md" in one.shown]
        assert f"job/{JOB}" not in desk.platform.state
        assert desk.platform.unfinished() == []
        assert told.ts > sent.ts


async def test_a_file_that_slack_does_not_give_is_told(desk: Desk) -> None:
    async with desk.bot(largest_file_mb=1) as bot:
        await desk.maya.upload("large.md", b"x" * 1_100_000)
        await bot.idle()
        await desk.slack.quiet()
        assert desk.platform.uploaded == []
        assert [one for one in desk.slack.answers(desk.maya.dm) if "larger than 1 MB" in one.shown]


async def test_an_answer_from_elsewhere_ends_the_card_and_the_turn_goes_on_in_its_thread(desk: Desk) -> None:
    async with desk.bot() as bot:
        question, _, interaction = await card(desk)
        desk.platform.interactions[interaction][1].update(status="answered", outcome="accept")
        payload = {
            "interaction_id": interaction,
            "session_id": str(say.SESSION),
            "turn_id": str(say.TURN),
            "external_ref": f"slack:{desk.team.id}/{question.channel}/{question.ts}",
        }
        desk.platform.deliveries = [delivery("interaction.ended", identity(desk.maya), payload)] * 2
        await desk.slack.until(lambda: len(desk.platform.acknowledged) == 2, "both acknowledged")
        await bot.idle()
        assert {one["outcome"] for one in desk.platform.acknowledged} == {"delivered"}
        assert len(desk.answers(question)) == 2
        assert "booked" in desk.answers(question)[1].shown


@pytest.mark.proves("SLACK-104")
async def test_what_was_asked_for_one_pair_of_eyes_goes_on_where_only_they_read(desk: Desk) -> None:
    async with desk.bot() as bot:
        interaction = desk.platform.ask("private", identity(desk.maya))
        payload = {
            "interaction_id": interaction,
            "session_id": str(say.SESSION),
            "turn_id": str(say.TURN),
            "external_ref": f"slack:{desk.team.id}/{desk.channel.id}/1764057601.000200/private",
        }
        desk.platform.deliveries = [delivery("interaction.ended", identity(desk.maya), payload)]
        await desk.slack.until(lambda: desk.platform.acknowledged, "acknowledged")
        await bot.idle()
        assert desk.slack.answers(desk.channel) == []
        assert "booked" in desk.slack.answers(desk.maya.dm)[0].shown


@pytest.mark.proves("SLACK-104")
async def test_a_command_in_a_channel_is_answered_for_the_one_who_wrote_it(desk: Desk) -> None:
    async with desk.bot() as bot:
        await desk.maya.command("/ask", "How many days of leave do I get?", desk.channel)
        await desk.slack.until(lambda: desk.platform.asked, "the question")
        await bot.idle()
        assert desk.platform.asked[0][2]["audience"] == "private"
        said = desk.slack.answers(desk.channel)
        assert [one for one in said if "25 days" in one.shown]
        assert {one.ephemeral for one in said} == {desk.maya.id}


async def test_a_button_that_is_pressed_twice_counts_once(desk: Desk) -> None:
    async with desk.bot() as bot:
        question = await desk.maya.say("Hello")
        answer = await desk.the_answer(bot, question)
        [vote] = [one for one in answer.buttons if one["action_id"].startswith("vote")]
        payload = desk.maya.action_payload(answer, vote, vote["positive_button"]["value"])
        await desk.slack.door.deliver("interactive", payload)
        await desk.slack.door.deliver("interactive", payload)
        await bot.idle()
        assert [body["vote"] for _, body in desk.platform.voted] == ["up"]


async def test_strangers_are_refused_once(desk: Desk) -> None:
    other = desk.slack.team("other", installed=False)
    stranger = desk.slack.person("eve", other)
    desk.channel.members.add(stranger.id)
    async with desk.bot() as bot:
        there = stranger.at(desk.team)
        for _ in range(2):
            await there.mention(desk.channel, "What do you know?")
            await desk.slack.quiet()
            await bot.idle()
        assert desk.platform.asked == []
        assert len(desk.slack.answers(desk.channel)) == 1


async def ask_about(desk: Desk, message: str, question: str) -> None:
    posted = desk.maya.posted(desk.channel, message)
    await desk.maya.shortcut("ask_about", posted)
    await desk.slack.until(lambda: desk.maya.modal, "the question's form")
    await desk.maya.submit(Your_question=question)
    await desk.slack.until(lambda: desk.platform.asked, "the question")


@pytest.mark.proves("SLACK-405")
@pytest.mark.parametrize("sentences", [1, 300])
async def test_a_message_is_asked_about_whole_and_answered_where_only_the_asker_reads(
    desk: Desk, sentences: int
) -> None:
    message = " ".join(f"Rule {n} holds for the “night shift”." for n in range(sentences))
    async with desk.bot() as bot:
        await ask_about(desk, message, "Does this hold for me?")
        await bot.idle()
        [(who, _, asked)] = desk.platform.asked
        assert who == identity(desk.maya)
        assert asked["audience"] == "private"
        assert asked["message"].startswith("Does this hold for me?")
        assert asked["message"].endswith(message)
        assert desk.slack.answers(desk.channel) == []
        [above, answer] = desk.slack.answers(desk.maya.dm)
        assert "Does this hold for me?" in above.shown
        assert "Rule 0" in above.shown
        assert "25 days" in answer.shown
        assert answer.thread == above.ts


@pytest.mark.proves("SLACK-405")
async def test_a_message_is_saved_to_the_persons_own_documents(desk: Desk) -> None:
    posted = desk.maya.posted(desk.channel, "The gate opens at six.")
    async with desk.bot() as bot:
        await desk.maya.shortcut("save_to_knowledge", posted)
        await desk.slack.until(lambda: desk.platform.uploaded, "the upload")
        await bot.idle()
        assert [who for who, _ in desk.platform.uploaded] == [identity(desk.maya)]
        [told] = desk.slack.answers(desk.maya.dm)
        assert "only you can see it" in told.shown
        assert desk.slack.answers(desk.channel) == []


@pytest.mark.proves("SLACK-406")
@pytest.mark.parametrize(
    ("kind", "payload", "word"),
    [
        ("tool.quarantined", {"tool": "files.move", "tool_id": "1", "server": "files"}, "files.move"),
        (
            "booking.finished",
            {"booking_id": "1", "what": "confirmed", "text": "It is on Tuesday."},
            "Tuesday",
        ),
    ],
)
async def test_news_come_once_where_only_that_person_reads(
    desk: Desk, kind: str, payload: dict[str, str], word: str
) -> None:
    async with desk.bot() as bot:
        told = delivery(kind, identity(desk.maya), payload)
        desk.platform.deliveries = [told]
        await desk.slack.until(lambda: desk.platform.acknowledged, "acknowledged")
        desk.platform.deliveries = [told]
        await desk.slack.until(lambda: len(desk.platform.acknowledged) == 2, "acknowledged again")
        await bot.idle()
        assert {one["outcome"] for one in desk.platform.acknowledged} == {"delivered"}
        [message] = desk.slack.answers(desk.maya.dm)
        assert word in message.shown


async def test_a_command_that_takes_its_time_says_so_first(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slack cannot take that word back, so it must stay true beside the answer."""
    monkeypatch.setattr(alone, "PATIENCE_S", 0.01)
    desk.platform.hold = asyncio.Event()
    async with desk.bot() as bot:
        await desk.maya.command("/ask", "How many days of leave do I get?", desk.channel)
        await desk.slack.until(lambda: desk.slack.answers(desk.channel, by=desk.maya.id), "a word")
        desk.platform.hold.set()
        await bot.idle()
        said, answer = desk.slack.answers(desk.channel, by=desk.maya.id)
        assert "I am looking into" in said.shown
        assert "25 days" in answer.shown


async def test_a_command_that_is_answered_soon_is_answered_in_one_message(desk: Desk) -> None:
    async with desk.bot() as bot:
        await desk.maya.command("/help", "", desk.channel)
        await bot.idle()
        [told] = desk.slack.answers(desk.channel, by=desk.maya.id)
        assert "How I can help" in told.shown
