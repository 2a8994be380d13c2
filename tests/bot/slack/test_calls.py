"""Calls of Slack's Web API on bad days."""

from collections.abc import AsyncIterator

import pytest

from bot.slack import calls
from bot.slack.calls import AWAY, Slack, SlackTrouble
from tests.slack.simulator import Person
from tests.slack.simulator import Slack as Simulator


class OneToken:
    def __init__(self, token: str) -> None:
        self._token = token

    async def token(self, team: str) -> str:
        return self._token

    async def bot_user(self, team: str) -> str:
        return ""

    async def expired(self, team: str, token: str) -> bool:
        return False


@pytest.fixture
async def there() -> AsyncIterator[Simulator]:
    async with Simulator.running() as simulator:
        yield simulator


@pytest.fixture
def maya(there: Simulator) -> Person:
    return there.person("maya", there.team())


@pytest.fixture
async def slack(there: Simulator, maya: Person) -> AsyncIterator[Slack]:
    made = Slack(OneToken(f"xoxb-{maya.team.id}"), there.api_url)
    yield made
    await made.close()


async def post(slack: Slack, maya: Person, **fields: str) -> None:
    await slack.call(
        maya.team.id, "chat.postMessage", within_s=20, channel=maya.dm.id, text="Hello", **fields
    )


async def test_what_may_have_been_said_is_not_said_again(
    there: Simulator, slack: Slack, maya: Person
) -> None:
    there.lose("chat.postMessage")
    with pytest.raises(SlackTrouble) as raised:
        await post(slack, maya)
    assert raised.value.uncertain
    assert len(there.seen(maya.dm)) == 1


async def test_with_a_name_of_its_own_it_may_be_said_again(
    there: Simulator, slack: Slack, maya: Person
) -> None:
    there.lose("chat.postMessage")
    await post(slack, maya, client_msg_id="6f0c7f3a-0000-4000-8000-000000000001")
    assert len(there.seen(maya.dm)) == 1


async def test_what_slack_certainly_did_not_do_is_done_again(
    there: Simulator, slack: Slack, maya: Person
) -> None:
    there.fail("chat.postMessage", "ratelimited", retry_after=0.2, times=2)
    await post(slack, maya)
    assert len(there.seen(maya.dm)) == 1


async def test_a_refusal_is_final(there: Simulator, slack: Slack, maya: Person) -> None:
    there.fail("chat.postMessage", "is_archived")
    with pytest.raises(SlackTrouble) as raised:
        await post(slack, maya)
    assert (raised.value.code, raised.value.passing) == ("is_archived", False)
    assert len(there.calls_of("chat.postMessage")) == 1


async def test_a_slack_that_is_away_is_not_asked_again_and_again(
    there: Simulator, slack: Slack, maya: Person
) -> None:
    there.fail("*", status=503, times=None)
    for _ in range(calls.OPENS_AFTER + 3):
        with pytest.raises(SlackTrouble) as raised:
            await slack.call(maya.team.id, "users.info", user=maya.id)
        assert raised.value.code == AWAY
    assert len(there.calls_of("users.info")) == calls.OPENS_AFTER


@pytest.mark.parametrize(
    "url", ["https://evil.example/x", "http://hooks.slack.com/x", "https://hooks.slack.com.evil/x"]
)
async def test_responses_go_to_slack_only(slack: Slack, url: str) -> None:
    with pytest.raises(SlackTrouble) as raised:
        await slack.respond(url, {"text": "private"})
    assert raised.value.code == "not_slack"
