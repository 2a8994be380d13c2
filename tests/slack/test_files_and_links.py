"""Files sent to the bot, commands, App Home, and people whom the platform does not know yet (SPEC 1, 6)."""

import re

import pytest

from tests.slack.office import QUESTION, Office
from tests.slack.simulator import Posted

pytestmark = [pytest.mark.timeout(240)]
PARKING = b"# Parking\n\nThe parking code of the blue gate is 4711. Visitors park behind the chandlery.\n"


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
    for command in ("/ask", "/help", "/sources", "/book"):
        before = len(here.slack.answers(here.channel, by=here.maya.id))
        await here.maya.command(command, QUESTION if command == "/ask" else "", here.channel)
        await here.settled()
        new = here.slack.answers(here.channel, by=here.maya.id)[before:]
        assert new, command
        assert all(one.ephemeral == here.maya.id for one in new), command
    assert here.slack.answers(here.channel, by=here.tom.id) == []
