"""What is pressed in Teams: it counts once, for who was asked, and is answered in time."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest
from switchboard_sdk import Switchboard

from bot.teams import cards, invoking
from bot.teams.extension import Extension
from bot.teams.happened import Where, Who
from bot.teams.invoking import InvokeAnswer, Invoked, Invokes
from bot.teams.settings import TeamsSettings
from bot.teams.signing_in import SigningIn
from kit.wire.interactions import Interaction
from tests import scripted_platform as say
from tests.bot.small_platform import SmallPlatform, running
from tests.bot.teams.cards.rules import broken, of_type, texts

MAYA = Who("tenant", "maya-object", "29:maya", "Maya Lind")
TOM = Who("tenant", "tom-object", "29:tom", "Tom")
DIRECT = Where("https://smba.example/", "a:1", "personal", "tenant", "28:bot", activity="card-1")
GROUP = Where("https://smba.example/", "19:g", "groupChat", "tenant", "28:bot", activity="card-1")
CARD = "application/vnd.microsoft.card.adaptive"


@dataclass
class Behind:
    """What was to be done behind the answer."""

    done: list[tuple[str, Any]] = field(default_factory=list)
    replaced: list[dict[str, Any]] = field(default_factory=list)
    message: UUID | None = None

    def go_on(self, invoked: Invoked, interaction: UUID, session: UUID, turn: UUID) -> None:
        self.done.append(("go_on", turn))

    def ask(self, invoked: Invoked, text: str, *, private: bool = False) -> None:
        self.done.append(("ask", (text, private)))

    def again(self, invoked: Invoked) -> None:
        self.done.append(("again", None))

    def privately(self, invoked: Invoked, session: UUID, message: UUID) -> None:
        self.done.append(("privately", (session, message)))

    def replace(self, invoked: Invoked, card: dict[str, Any]) -> None:
        self.replaced.append(card)

    async def message_of(self, invoked: Invoked) -> UUID | None:
        return self.message


@dataclass
class Desk:
    platform: SmallPlatform
    behind: Behind
    invokes: Invokes

    def ask(self, whose: Who = MAYA, **over: Any) -> str:
        return self.platform.ask("book", whose.identity, **over)

    async def press(self, verb: str, data: dict[str, Any], who: Who = MAYA, where: Where = DIRECT) -> Any:
        """The card, or the whole answer where it is none."""
        action = {"type": "Action.Execute", "verb": verb, "data": data}
        answer = await self.invoke("adaptiveCard/action", {"action": action, "trigger": "manual"}, who, where)
        body = answer.body or {}
        if body.get("type") != CARD:
            return answer
        assert broken(body["value"]) == []
        return body["value"]

    async def invoke(
        self, name: str, value: dict[str, Any], who: Who = MAYA, where: Where = DIRECT
    ) -> InvokeAnswer:
        return await self.invokes.execute(Invoked(name, value, who, where, "Australia/Melbourne"))


async def at_once(seconds: float) -> None:
    """Nobody waits here before asking once more."""


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with running() as platform, Switchboard(platform.url, "key", sleep=at_once) as switchboard:
        behind = Behind()
        signing_in = SigningIn(switchboard, TeamsSettings())
        invokes = Invokes(switchboard, behind, Extension(platform.url), signing_in)
        yield Desk(platform, behind, invokes)
        await invokes.close()


def answer(identity: str, **inputs: Any) -> dict[str, Any]:
    return {"interaction": identity, "action": "accept", **inputs}


@pytest.mark.proves("TEAMS-209")
async def test_a_filled_in_card_answers_and_becomes_its_state_for_everybody(desk: Desk) -> None:
    identity = desk.ask()
    card = await desk.press("answer", answer(identity, **{"f0.0": "ACE training"}))
    assert desk.platform.responded == [
        (MAYA.identity, {"action": "accept", "content": {"topic": "ACE training"}})
    ]
    assert "Answered" in texts(card)
    assert "Maya Lind" in texts(card)
    assert not of_type(card, "Action.Execute")
    assert desk.behind.replaced == [card]
    assert desk.behind.done == [("go_on", say.TURN)]


@pytest.mark.proves("TEAMS-203", "TEAMS-209")
async def test_what_the_platform_complains_about_stands_at_its_field(desk: Desk) -> None:
    identity = desk.ask()
    desk.platform.wrong = [{"field": "topic", "message": "Say more about it."}]
    card = await desk.press("answer", answer(identity, **{"f0.0": "ACE"}))
    assert "Say more about it." in texts(card)
    (typed,) = of_type(card, "Input.Text")
    assert typed["value"] == "ACE"
    assert desk.behind.done == []
    assert desk.behind.replaced == []
    again = await desk.press("answer", answer(identity, **{"f0.0": "ACE training"}))
    assert "Answered" in texts(again)


@pytest.mark.proves("TEAMS-209")
@pytest.mark.parametrize("status", ["answered", "expired", "cancelled"])
async def test_a_late_press_changes_nothing_and_shows_how_it_ended(desk: Desk, status: str) -> None:
    identity = desk.ask(status=status, outcome="accept" if status == "answered" else None)
    card = await desk.press("answer", answer(identity, **{"f0.0": "ACE"}))
    assert desk.platform.responded == []
    assert not of_type(card, "Action.Execute")
    assert desk.behind.done == []


@pytest.mark.proves("TEAMS-206", "TEAMS-209")
async def test_another_persons_press_is_refused_and_learns_nothing(desk: Desk) -> None:
    identity = desk.ask()
    for verb in ("answer", "open"):
        data = answer(identity, **{"f0.0": "x", "for": "Maya Lind"})
        card = await desk.press(verb, data, who=TOM, where=GROUP)
        assert "Only Maya Lind can answer this." in texts(card)
        assert "Topic" not in json.dumps(card)
    assert desk.platform.responded == []
    assert (desk.behind.done, desk.behind.replaced) == ([], [])


@pytest.mark.proves("TEAMS-206")
async def test_in_a_group_only_the_asked_person_gets_the_form(desk: Desk) -> None:
    identity = desk.ask()
    card = await desk.press("open", {"interaction": identity}, where=GROUP)
    assert [one["label"] for one in of_type(card, "Input.Text")] == ["Topic"]
    mine = await desk.press("answer", answer(identity, **{"f0.0": "My illness"}), where=GROUP)
    assert "Answered" in texts(mine)
    (public,) = desk.behind.replaced
    assert "My illness" not in json.dumps(public)
    assert "Please fill this in." not in json.dumps(public)


@pytest.mark.proves("TEAMS-209")
async def test_a_second_persons_answer_leaves_the_turn_to_who_asked(desk: Desk) -> None:
    identity = desk.ask(kind="approval", asked_of="second_person", asked_by="Tom")
    await desk.press("answer", answer(identity, **{"f0.0": "yes"}))
    assert desk.behind.done == []


@pytest.mark.proves("TEAMS-210")
async def test_what_takes_longer_says_so_and_comes_behind(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invoking, "ANSWERED_WITHIN_S", 0.0)
    identity = desk.ask()
    card = await desk.press("answer", answer(identity, **{"f0.0": "ACE"}))
    assert "working on it" in texts(card)
    assert card["refresh"]["userIds"] == ["29:maya"]
    async with asyncio.timeout(20):
        while len(desk.behind.replaced) < 2:
            await asyncio.sleep(0.01)
    assert "Answered" in texts(desk.behind.replaced[-1])
    assert len(desk.platform.responded) == 1


@pytest.mark.proves("TEAMS-210")
async def test_a_platform_that_is_away_is_said_and_the_press_can_be_repeated(desk: Desk) -> None:
    identity = desk.ask()
    desk.platform.away = True
    data = answer(identity, **{"f0.0": "ACE training"})
    card = await desk.press("answer", data)
    (again,) = of_type(card, "Action.Execute")
    assert again["data"] == data
    desk.platform.away = False
    assert "Answered" in texts(await desk.press("answer", again["data"]))


@pytest.mark.proves("TEAMS-209")
@pytest.mark.parametrize(
    "value",
    [
        {},
        {"action": None},
        {"action": {"verb": "answer"}},
        {"action": {"verb": "answer", "data": {"interaction": "x", "action": "accept"}}},
        {"action": {"verb": "answer", "data": {"interaction": str(UUID(int=1)), "action": "erase"}}},
        {"action": {"verb": "open", "data": {"interaction": [1]}}},
        {"action": {"verb": "open", "data": {"interaction": str(UUID(int=1)), "page": "x"}}},
        {"action": {"verb": "privately", "data": {}}},
        {"action": {"verb": "drop table", "data": {}}},
    ],
)
async def test_a_forged_press_is_refused(desk: Desk, value: dict[str, Any]) -> None:
    result = await desk.invoke("adaptiveCard/action", value)
    assert result.status == 400
    assert (desk.platform.responded, desk.behind.done) == ([], [])


@pytest.mark.proves("TEAMS-209")
async def test_an_invoke_that_nobody_knows_is_not_implemented(desk: Desk) -> None:
    assert (await desk.invoke("tab/fetch", {})).status == 501


@pytest.mark.proves("TEAMS-209")
async def test_a_thumb_reaches_the_platform_with_its_words(desk: Desk) -> None:
    desk.behind.message = uuid4()
    for reaction, comment in (
        ("like", '{"feedbackText": " Well done "}'),
        ("dislike", "{}"),
        ("dislike", "{"),
    ):
        value = {"actionName": "feedback", "actionValue": {"reaction": reaction, "feedback": comment}}
        assert (await desk.invoke("message/submitAction", value)).status == 200
    assert [body for _, body in desk.platform.voted] == [
        {"vote": "up", "comment": "Well done"},
        {"vote": "down"},
        {"vote": "down"},
    ]


@pytest.mark.proves("TEAMS-209")
async def test_a_thumb_for_what_is_forgotten_is_taken_without_a_word(desk: Desk) -> None:
    value = {"actionName": "feedback", "actionValue": {"reaction": "like"}}
    assert (await desk.invoke("message/submitAction", value)).status == 200
    assert desk.platform.voted == []


@pytest.mark.proves("TEAMS-209")
async def test_buttons_below_an_answer_do_what_they_say(desk: Desk) -> None:
    session, message = uuid4(), uuid4()
    await desk.press("privately", {"session": str(session), "message": str(message)})
    await desk.press("again", {})
    await desk.press("prompt", {"text": "What can you do?"})
    assert desk.behind.done == [
        ("privately", (session, message)),
        ("again", None),
        ("ask", ("What can you do?", False)),
    ]


@pytest.mark.proves("TEAMS-211")
async def test_a_question_about_a_message_is_asked_in_the_persons_own_chat(desk: Desk) -> None:
    payload = {"body": {"contentType": "html", "content": "<p>ACE moves to <b>Tuesday</b>.<br>Tell Tom</p>"}}
    shown = await desk.invoke(
        "composeExtension/fetchTask", {"commandId": "askAbout", "messagePayload": payload}, where=GROUP
    )
    card = (shown.body or {})["task"]["value"]["card"]["content"]
    assert "ACE moves to Tuesday." in texts(card)
    (submit,) = of_type(card, "Action.Submit")
    empty = await desk.invoke("composeExtension/submitAction", {"data": submit["data"]}, where=GROUP)
    assert (empty.body or {})["task"]["type"] == "continue"
    data = {**submit["data"], "question": "Does it concern me?"}
    await desk.invoke("composeExtension/submitAction", {"data": data}, where=GROUP)
    text = "Does it concern me?\n\nThe message that I ask about:\nACE moves to Tuesday.\nTell Tom"
    assert desk.behind.done == [("ask", (text, True))]


@pytest.mark.proves("TEAMS-206")
def test_what_a_group_reads_holds_nothing_of_the_question() -> None:
    found = {
        "id": str(uuid4()),
        "kind": "approval",
        "status": "open",
        "title": "May files.remove be called?",
        "forms": [{"key": "k", "message": "Allow?", "arguments": {"path": "/secret"}}],
        "tool": "files.remove",
        "created_at": say.NOW,
        "expires_at": "2030-01-01T00:00:00Z",
    }
    card = cards.asking(Interaction.model_validate(found), MAYA, True)
    assert "/secret" not in json.dumps(card)
