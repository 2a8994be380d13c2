"""Questions of the platform in Teams: a card, a press, the turn that goes on; each ends once (SPEC 5)."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, cast

import httpx
import pytest
from switchboard_sdk import Switchboard

from bot.teams.app import TeamsBot, build
from bot.teams.serving import web
from kit.wire.channels import Delivery
from tests.bot.small_platform import SmallPlatform, delivery
from tests.bot.small_platform import running as small_platform
from tests.scripted_platform import SESSION, TURN
from tests.teams.office import OneToken, settings_of
from tests.teams.simulator import Chat, Person, Said, Shown, Teams

BOOK = "I want to book a meeting"
Json = dict[str, Any]


@dataclass
class Desk:
    teams: Teams
    platform: SmallPlatform
    bot: TeamsBot
    maya: Person
    tom: Person
    own: Chat
    channel: Chat

    async def asked_back(self, chat: Chat) -> tuple[str, Said, Shown]:
        """(the interaction, what was said, the card's message)"""
        identity = self.platform.ask(BOOK, f"teams:{self.maya.tenant}/{self.maya.user}")
        said = await self.teams.say(self.maya, chat, BOOK)
        await self.bot.idle()
        (shown,) = self.teams.answers(said)
        return identity, said, shown

    def identity(self) -> str:
        return f"teams:{self.maya.tenant}/{self.maya.user}"


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with Teams.running() as teams, small_platform() as platform:
        settings = settings_of(teams, platform.url, "key")
        async with Switchboard(platform.url, "key") as switchboard:
            bot = build(settings, switchboard, tokens=OneToken(), clock=teams.now)
            transport = httpx.ASGITransport(web(bot))
            async with bot.running(), httpx.AsyncClient(transport=transport, base_url="http://bot") as client:
                teams.listens(client)
                maya, tom = Person("maya", email="maya@example.com"), Person("tom", email="tom@example.com")
                own, channel = teams.chat("personal", maya), teams.chat("channel", maya, tom)
                yield Desk(teams, platform, bot, maya, tom, own, channel)
        assert not teams.violations, teams.violations


def field_of(card: Json) -> str:
    """The id of the card's first input."""
    waiting: list[Any] = [card]
    for part in waiting:
        if isinstance(part, list):
            waiting += cast(list[Any], part)
        elif isinstance(part, dict):
            given = cast(Json, part)
            if str(given.get("type", "")).startswith("Input."):
                return str(given["id"])
            waiting += given.values()
    raise AssertionError("the card asks for nothing")


async def test_a_form_is_filled_in_on_its_card_and_the_turn_goes_on_below(desk: Desk) -> None:
    identity, said, shown = await desk.asked_back(desk.own)
    data = {"interaction": identity, "action": "accept", field_of(shown.cards[0]): "ACE training"}
    answer = await desk.teams.press(desk.maya, shown, said.chat, "answer", data)
    assert answer["type"] == "application/vnd.microsoft.card.adaptive"
    await desk.bot.idle()
    ((who, body),) = desk.platform.responded
    assert who == desk.identity()
    assert "ACE training" in str(body)
    card, after = desk.teams.answers(said)
    assert card is shown
    assert "Input." not in str(card.cards)
    assert "It is booked" in after.text


async def test_a_second_press_changes_nothing_and_says_so(desk: Desk) -> None:
    identity, said, shown = await desk.asked_back(desk.own)
    data = {"interaction": identity, "action": "accept", field_of(shown.cards[0]): "ACE training"}
    for _ in range(3):
        await desk.teams.press(desk.maya, shown, said.chat, "answer", data)
        await desk.bot.idle()
    assert len(desk.platform.responded) == 1
    assert len(desk.teams.answers(said)) == 2


@pytest.mark.proves("TEAMS-103")
async def test_in_a_channel_only_who_was_asked_gets_the_form(desk: Desk) -> None:
    identity, said, shown = await desk.asked_back(desk.channel)
    assert "Input." not in str(shown.cards)
    assert shown.cards[0]["refresh"]["userIds"] == [desk.maya.mri]
    refused = await desk.teams.press(desk.tom, shown, said.chat, "open", {"interaction": identity})
    assert "Not yours" in str(refused)
    mine = await desk.teams.press(desk.maya, shown, said.chat, "open", {"interaction": identity})
    field = field_of(mine["value"])
    stolen = {"interaction": identity, "action": "accept", field: "stolen"}
    await desk.teams.press(desk.tom, shown, said.chat, "answer", stolen)
    assert not desk.platform.responded
    await desk.teams.press(desk.maya, shown, said.chat, "answer", stolen | {field: "mine"})
    await desk.bot.idle()
    assert len(desk.platform.responded) == 1
    assert "mine" not in shown.words


@pytest.mark.proves("TEAMS-108")
async def test_what_is_answered_elsewhere_ends_the_card_and_goes_on_here_once(desk: Desk) -> None:
    identity, said, shown = await desk.asked_back(desk.own)
    desk.platform.interactions[identity][1].update(status="answered", outcome="accept")
    payload = {"interaction_id": identity, "session_id": str(SESSION), "turn_id": str(TURN)}
    made = Delivery.model_validate(delivery("interaction.ended", desk.identity(), payload))
    for _ in range(2):
        assert await desk.bot.delivering.show(made) == "delivered"
        await desk.bot.idle()
    card, after = desk.teams.answers(said)
    assert "Input." not in str(card.cards)
    assert "It is booked" in after.text
    assert card is shown


@pytest.mark.parametrize("value", [{}, {"action": 7}, {"action": {"verb": "answer", "data": {}}}, {"x": []}])
async def test_a_forged_press_does_nothing(desk: Desk, value: Json) -> None:
    activity = desk.teams.activity(desk.maya, desk.own, "invoke", name="adaptiveCard/action", value=value)
    assert (await desk.teams.post(activity)).status_code in (400, 200)
    await desk.bot.idle()
    assert not desk.platform.responded
    assert not desk.teams.shown


async def test_an_invoke_without_a_person_is_refused(desk: Desk) -> None:
    hook = Person("hook", known=False)
    activity = desk.teams.activity(hook, desk.own, "invoke", name="adaptiveCard/action", value={})
    assert (await desk.teams.post(activity)).status_code == 400


async def test_an_invoke_that_comes_again_is_answered_as_before_and_done_once(desk: Desk) -> None:
    identity, said, shown = await desk.asked_back(desk.own)
    data = {"interaction": identity, "action": "accept", field_of(shown.cards[0]): "ACE training"}
    value = {"action": {"type": "Action.Execute", "verb": "answer", "data": data}}
    press = desk.teams.activity(desk.maya, said.chat, "invoke", name="adaptiveCard/action", value=value)
    press |= {"id": "f:invoke-1", "replyToId": shown.id}
    first, again = [(await desk.teams.post(press)).json() for _ in range(2)]
    assert first == again
    await desk.bot.idle()
    assert len(desk.platform.responded) == 1
