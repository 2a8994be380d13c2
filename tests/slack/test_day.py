"""A person's day with the bot in Slack, from the first question to the last click (SPEC 1 J1, 5, 6).

One bot for all of it, between a simulated Slack and a running platform.
"""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from tests.e2e.conftest import Place
from tests.slack.matrix import FAULTS, PLACES, Fault, met
from tests.slack.matrix import Place as Spot
from tests.slack.office import QUESTION, Office, office
from tests.slack.simulator import Posted, Slack
from tests.slack.simulator.transcript import transcript, view

pytestmark = [pytest.mark.timeout(240), pytest.mark.asyncio(loop_scope="module")]
PARKING = b"# Parking\n\nThe parking code of the blue gate is 4711. Visitors park behind the chandlery.\n"
CHANNEL_TOO = "stream expires"
QUICK: list[tuple[Fault, Spot]] = [
    (fault, place)
    for fault in FAULTS
    for place in PLACES
    if fault.quick and (place == "dm" or (place == "channel" and fault.name == CHANNEL_TOO))
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here(platform: Place, key: str) -> AsyncIterator[Office]:
    """At the end all that people have seen is printed: `pytest -s` shows it."""
    async with Slack.running() as slack:
        async with office(slack, platform, key) as opened:
            yield opened
            print(shown(opened))
        assert not slack.violations, slack.violations


def shown(here: Office) -> str:
    slack, maya = here.slack, here.maya
    parts = ["", "═══ Maya's messages", transcript(slack, maya.dm.id, by=maya.id)]
    parts += ["", "═══ #general, as Maya sees it", transcript(slack, here.channel.id, by=maya.id)]
    parts += [f"\n═══ Home of {whose}\n{view(home)}" for (_, whose), home in slack.homes.items()]
    return "\n".join(parts)


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
    votes = [status for call, status in here.wire.answered if call.endswith("/feedback")]
    assert votes == [204], here.wire.answered[-5:]


@pytest.mark.proves("SLACK-302")
async def test_a_file_is_read_and_asked_about(here: Office) -> None:
    sent = await here.maya.upload("parking.md", PARKING, mimetype="text/markdown")
    await read(here, sent)
    await here.settled()
    assert len(here.answers(sent)) == 1
    answer = await here.answer_to(await here.maya.say("What is the parking code of the blue gate?"))
    assert "4711" in answer.shown
    asked = await here.tom.say("What is the parking code of the blue gate?")
    assert "4711" not in (await here.answer_to(asked, by=here.tom)).shown


async def read(here: Office, sent: Posted) -> None:
    """Until its message says that it can be asked about."""
    await here.slack.until(
        lambda: [m for m in here.answers(sent) if "I have read" in m.shown],
        "the file was read",
    )


async def test_what_is_private_is_not_answered_in_a_channel(here: Office) -> None:
    sent = await here.maya.upload("locker.md", b"# Locker\n\nThe locker of the captain opens with 8844.\n")
    await read(here, sent)
    asked = await here.maya.mention(here.channel, "How does the locker of the captain open?")
    await here.slack.until(lambda: [m for m in here.answers(asked) if not m.streaming])
    await here.settled()
    assert not [m for m in here.slack.seen(here.channel) if "8844" in m.shown and not m.ephemeral]
    open_one = next(m for m in here.answers(asked) if not m.ephemeral)
    await here.maya.click(open_one, "privately")
    private = await here.slack.until(
        lambda: [m for m in here.slack.seen(here.channel, by=here.maya.id) if "8844" in m.shown], "privately"
    )
    assert all(m.ephemeral == here.maya.id for m in private)
    assert not [m for m in here.slack.seen(here.channel, by=here.tom.id) if "8844" in m.shown]


@pytest.mark.proves("SLACK-302")
async def test_an_account_is_linked_by_a_code(here: Office) -> None:
    """Somebody whose address the platform cannot match: a code, confirmed by the signed-in person."""
    zoe = here.slack.person("zoe", here.team, email="zoe@elsewhere.example")
    await zoe.open_home()
    home = await here.slack.until(lambda: here.slack.homes.get((here.team.id, zoe.id)), "a Home")
    await here.settled()
    home = here.slack.homes[here.team.id, zoe.id]
    found = re.search(r"switchboard link (\S+)", home.shown)
    assert found, home.shown
    code = found[1]
    async with here.person("tom") as tom:
        offer = await tom.links.offer(code)
        assert zoe.id in offer.identity
        await tom.links.confirm(code, offer.identity)
        linked = await tom.links.mine()
        assert zoe.id in str([one.identity for one in linked])
        for one in linked:
            if zoe.id in one.identity:
                await tom.links.remove(one.id)


async def test_home_shows_and_commands_answer(here: Office) -> None:
    await here.maya.open_home()
    await here.slack.until(lambda: here.slack.homes.get((here.team.id, here.maya.id)), "a Home")
    await here.maya.open_home("messages")
    await here.slack.until(lambda: here.slack.prompts.get(here.maya.dm.id), "prompts")
    others = len(here.slack.answers(here.channel, by=here.tom.id))
    for command in ("/ask", "/help", "/sources", "/book"):
        before = len(here.slack.answers(here.channel, by=here.maya.id))
        await here.maya.command(command, QUESTION if command == "/ask" else "", here.channel)
        await here.settled()
        new = here.slack.answers(here.channel, by=here.maya.id)[before:]
        assert new, command
        assert all(one.ephemeral == here.maya.id for one in new), command
    assert len(here.slack.answers(here.channel, by=here.tom.id)) == others


@pytest.mark.proves("SLACK-303")
@pytest.mark.parametrize(("fault", "place"), QUICK, ids=lambda part: getattr(part, "name", part))
async def test_a_fault_ends_in_one_message(here: Office, fault: Fault, place: Spot) -> None:
    """All of them, everywhere: test_faults."""
    wrong, _ = await met(here, fault, place)
    assert not wrong
