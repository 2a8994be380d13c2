"""A person's day with the bot in Teams, from the first question to the last thumb (SPEC 1 J1, 3, 5, 6).

In one file, since all of it shares one running platform.
"""

import re
import time
from uuid import uuid4

import httpx
import pytest

from bot.teams.answering import REFUSED
from bot.teams.happened import Who
from bot.teams.kept import Kept
from bot.teams.opening import NOT_HERE
from bot.teams.parse import where_of
from bot.teams.uploading import PICTURES
from kit.wire.channels import Delivery
from tests.bot.small_platform import delivery
from tests.teams.matrix import FAULTS, Fault, Place
from tests.teams.meeting import met
from tests.teams.office import QUESTION, Office
from tests.teams.simulator import Person, Shown

pytestmark = [pytest.mark.timeout(240)]
QUICK = [(fault, "1:1") for fault in FAULTS if fault.quick] + [
    (fault, "channel") for fault in FAULTS if fault.name == "model times out"
]


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


def own(here: Office, since: int = 0) -> list[Shown]:
    return [one for one in here.teams.shown if one.conversation == here.own.id][since:]


@pytest.mark.proves("TEAMS-106")
async def test_a_file_in_the_1_1_chat_is_read_and_asked_about(here: Office) -> None:
    word = f"quokka{uuid4().hex[:8]}"
    text = f"# The {word} procedure\n\nThe {word} procedure takes 17 minutes and needs two people."
    await here.teams.send_file(here.maya, here.own, f"{word}.md", text.encode())
    await here.teams.until(lambda: any("I have read" in one.words for one in own(here)), "a done message")
    await here.bot.idle()
    assert len(own(here)) == 1
    said = await here.teams.say(here.maya, here.own, f"How long does the {word} procedure take?")
    assert "17 minutes" in (await here.answer_to(said)).text
    other = await here.teams.say(
        here.tom, here.teams.chat("personal", here.tom), f"How long does the {word} procedure take?"
    )
    assert "17 minutes" not in (await here.answer_to(other)).words


@pytest.mark.proves("TEAMS-106")
async def test_a_file_with_a_question_is_read_first(here: Office) -> None:
    word = f"numbat{uuid4().hex[:8]}"
    text = f"# The {word} rule\n\nThe {word} rule allows 23 guests."
    said = await here.teams.send_file(
        here.maya, here.own, f"{word}.md", text.encode(), f"How many guests does the {word} rule allow?"
    )
    await here.teams.until(lambda: any("23 guests" in one.text for one in here.teams.answers(said)))
    await here.bot.idle()
    assert len(here.teams.answers(said)) == 2


@pytest.mark.proves("TEAMS-105", "TEAMS-106")
async def test_a_file_of_another_host_is_not_fetched(here: Office) -> None:
    content = {"downloadUrl": "http://169.254.169.254/latest/meta-data", "uniqueId": "x"}
    kind = "application/vnd.microsoft.teams.file.download.info"
    attached = [{"contentType": kind, "name": "x.md", "content": content}]
    await here.teams.say(here.maya, here.own, "", attachments=attached)
    await here.teams.until(lambda: any("fetch files from nowhere else" in one.words for one in own(here)))
    await here.bot.idle()
    assert len(own(here)) == 1


@pytest.mark.proves("TEAMS-106")
async def test_a_file_that_is_too_large_or_of_no_use_says_so(here: Office) -> None:
    await here.teams.send_file(here.maya, here.own, "large.md", b"x" * (25 * 1024**2 + 1))
    await here.teams.until(lambda: any("larger than 25 MB" in one.words for one in own(here)))
    await here.bot.idle()
    await here.teams.send_file(here.maya, here.own, "tool.exe", b"MZ\x90\x00" + bytes(range(256)) * 40)
    refused = lambda: [one for one in own(here) if "I could not take tool.exe" in one.words]  # noqa: E731
    await here.teams.until(refused)
    await here.bot.idle()
    assert len(own(here)) == 2


@pytest.mark.proves("TEAMS-106")
async def test_a_pasted_picture_is_refused_in_words(here: Office) -> None:
    pasted = [{"contentType": "image/png", "contentUrl": f"{here.teams.origin}/files/x"}]
    await here.teams.say(here.maya, here.own, "", attachments=pasted)
    await here.teams.until(lambda: own(here))
    await here.bot.idle()
    (told,) = own(here)
    assert PICTURES[:20] in told.text


@pytest.mark.proves("TEAMS-107")
async def test_an_account_is_linked_by_its_code(here: Office) -> None:
    zoe = Person(f"zoe{uuid4().hex[:6]}", email="zoe@nowhere.example")
    chat = here.teams.chat("personal", zoe)
    said = await here.teams.say(zoe, chat, "link")
    card = await here.answer_to(said)
    code = next(found[1] for found in re.finditer(r"switchboard link ([\w-]+)", card.words))
    async with here.person("tom") as tom:
        offer = await tom.links.offer(code)
        assert offer.identity == f"teams:{zoe.tenant}/{zoe.user}"
        await tom.links.confirm(code, offer.identity)
        assert offer.identity in [one.identity for one in await tom.links.mine()]


@pytest.mark.proves("TEAMS-106", "TEAMS-107")
async def test_a_file_of_somebody_who_is_not_linked_is_answered_with_the_way_to_link(here: Office) -> None:
    zoe = Person(f"zoe{uuid4().hex[:6]}", email="zoe@nowhere.example")
    said = await here.teams.send_file(zoe, here.teams.chat("personal", zoe), "mine.md", b"# Mine")
    await here.teams.until(lambda: any("switchboard link" in one.words for one in here.teams.answers(said)))
    await here.bot.idle()
    assert len(here.teams.answers(said)) == 1


@pytest.mark.proves("TEAMS-107")
async def test_nobody_else_reads_the_code_that_links_an_account(here: Office) -> None:
    said = await here.teams.say(here.maya, here.channel, "link")
    assert NOT_HERE[:30] in (await here.answer_to(said)).text


@pytest.mark.proves("TEAMS-107")
async def test_the_address_of_a_trusted_tenant_links_alone(here: Office) -> None:
    await here.answer_to(await here.teams.say(here.maya, here.own, "help"))
    async with here.person("maya") as maya:
        identity = f"teams:{here.maya.tenant}/{here.maya.user}"
        assert identity in [one.identity for one in await maya.links.mine()]


async def test_whoever_installs_us_is_greeted_once(here: Office) -> None:
    new = Person(f"new{uuid4().hex[:6]}", email="new@nowhere.example")
    chat = here.teams.chat("personal", new)
    await here.teams.install(new, chat)
    await here.bot.idle()
    (shown,) = [one for one in here.teams.shown if one.conversation == chat.id]
    assert "Hello" in shown.words


@pytest.mark.proves("TEAMS-108")
async def test_what_the_platform_starts_is_said_in_the_1_1_chat_once(here: Office) -> None:
    await here.answer_to(await here.teams.say(here.maya, here.own, "help"))
    before = len(own(here))
    payload = {"what": "confirmed", "text": "Your meeting with Dana stands: Tuesday.", "booking_id": "b"}
    made = Delivery.model_validate(
        delivery("booking.finished", f"teams:{here.maya.tenant}/{here.maya.user}", payload)
    )
    assert await here.bot.delivering.show(made) == "delivered"
    assert await here.bot.delivering.show(made) == "delivered"
    (told,) = own(here, before)
    assert "Tuesday" in told.words


@pytest.mark.proves("TEAMS-108")
async def test_whoever_has_never_written_to_us_gets_nothing_from_us(here: Office) -> None:
    made = Delivery.model_validate(delivery("booking.finished", f"teams:{here.maya.tenant}/nobody", {}))
    assert await here.bot.delivering.show(made) == "gone"
    assert not here.teams.shown


async def test_a_delivery_that_teams_does_not_take_comes_again(here: Office) -> None:
    await here.answer_to(await here.teams.say(here.maya, here.own, "help"))
    here.teams.fail("send", 20, status=403, code="ConversationBlockedByUser")
    to = f"teams:{here.maya.tenant}/{here.maya.user}"
    made = Delivery.model_validate(delivery("booking.finished", to, {"what": "confirmed", "text": "x"}))
    assert await here.bot.delivering.show(made) == "gone"
    here.teams.clear()
    assert await here.bot.delivering.show(made) == "gone", "the chat is forgotten until they write again"


async def test_a_question_of_a_stranger_reaches_no_document(here: Office) -> None:
    """Refused before anything is asked of the platform."""
    eve = Person("eve", "cccccccc-0000-4000-8000-00000000e0e0")
    said = await here.teams.say(eve, here.teams.chat("personal", eve), "What is in the handbook?")
    await here.answer_to(said)
    assert "POST /api/v1/chat/stream" not in here.wire.passed
    pressed = await here.teams.invoke(eve, said.chat, "composeExtension/query", {"parameters": []})
    assert pressed["statusCode"] == 403


async def test_a_guest_gets_nothing_while_teams_does_not_say_who_they_are(here: Office) -> None:
    """They can see to that: whoever writes often enough has our questions about them throttled."""
    gia = Person("gia", role="guest")
    own = here.teams.chat("personal", gia)
    here.teams.fail("member", status=429, code="Throttled", retry_after=30)
    asking = here.teams.activity(gia, own, "invoke", name="composeExtension/query", value={"parameters": []})
    assert (await here.teams.post(asking)).status_code == 503
    here.teams.fail("member", status=429, code="Throttled", retry_after=30)
    said = await here.teams.say(gia, own, "What is in the handbook?")
    assert REFUSED[:40] in (await here.answer_to(said)).text
    assert "POST /api/v1/chat/stream" not in here.wire.passed


async def test_a_guest_whose_question_outlived_a_crash_is_still_a_guest(here: Office) -> None:
    """Whoever died had kept the question, and did not know yet who asks."""
    gil = Person("gil", role="guest")
    said = await here.teams.say(gil, here.teams.chat("personal", gil), "What is in the handbook?")
    await here.answer_to(said)
    await here.bot.idle()
    where = where_of(said.activity)
    assert where is not None
    who = Who(gil.tenant, gil.user, gil.mri, gil.name)
    kept = Kept("ask", who, where, "What is in the handbook?", "left", where.ref, "private", at=time.time())
    assert await here.bot.desk.unfinished.begin(kept.place, kept.value())
    await here.bot.answering.recover(mine_too=True)
    await here.bot.idle()
    assert "POST /api/v1/chat/stream" not in here.wire.passed


@pytest.mark.proves("TEAMS-102")
@pytest.mark.parametrize(("fault", "place"), QUICK, ids=lambda part: getattr(part, "name", part))
async def test_a_fault_ends_in_one_message(here: Office, fault: Fault, place: Place) -> None:
    wrong, _ = await met(here, fault, place)
    assert not wrong
