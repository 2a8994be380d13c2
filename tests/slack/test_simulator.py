# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# (JSON as Slack has it, and an SDK without types)
"""The simulator itself, met by a bare Bolt app: what it says, cuts and shows is what Slack would."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.slack.simulator import Slack, Team
from tests.slack.simulator.server import APP_TOKEN, CLIENT_ID, CLIENT_SECRET


def client_of(slack: Slack, team: Team) -> Any:  # untyped in slack_sdk
    return AsyncWebClient(token=f"xoxb-{team.id}", base_url=slack.api_url)


@asynccontextmanager
async def bolt(slack: Slack, team: Team) -> AsyncGenerator[None]:
    """A Bolt app on Socket Mode that streams what it hears back, with a button."""
    app: Any = AsyncApp(client=client_of(slack, team))
    button = {"type": "button", "action_id": "again", "text": {"type": "plain_text", "text": "Again"}}

    @app.event("message")
    async def heard(event: dict[str, Any], client: Any) -> None:
        place = {"channel": event["channel"], "thread_ts": event.get("thread_ts") or event["ts"]}
        stream = await client.chat_stream(**place, buffer_size=1)
        await stream.append(markdown_text="you said ")
        await stream.stop(markdown_text=event["text"], blocks=[{"type": "actions", "elements": [button]}])

    @app.action("again")
    async def pressed(ack: Any, body: dict[str, Any], client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=MODAL)

    @app.view("form")
    async def sent(ack: Any, view: dict[str, Any]) -> None:
        said = view["state"]["values"]["name"]["typed"]["value"]
        await (ack() if said == "Ada" else ack(response_action="errors", errors={"name": "Who?"}))

    @app.command("/ask")
    async def asked(ack: Any, respond: Any) -> None:
        await ack("one moment")
        await respond(text="the answer")

    handler: Any = AsyncSocketModeHandler(app, APP_TOKEN, ping_interval=1)
    await handler.connect_async()
    await slack.sockets.ready()
    try:
        yield
    finally:
        await handler.close_async()


MODAL = {
    "type": "modal",
    "callback_id": "form",
    "title": {"type": "plain_text", "text": "A form"},
    "submit": {"type": "plain_text", "text": "Send"},
    "blocks": [
        {
            "type": "input",
            "block_id": "name",
            "label": {"type": "plain_text", "text": "Your name"},
            "element": {"type": "plain_text_input", "action_id": "typed"},
        }
    ],
}


async def test_a_message_is_streamed_back_and_its_button_opens_a_modal(slack: Slack) -> None:
    team = slack.team()
    ada = slack.person("ada", team)
    async with bolt(slack, team):
        said = await ada.say("hello")
        assert ada.last is not None
        assert ada.last.attempts == 1
        await slack.until(lambda: [m for m in slack.answers(ada.dm, said.ts) if not m.streaming])
        answer = slack.answers(ada.dm, said.ts)[0]
        assert answer.text == "you said hello"
        assert answer.versions[0] == "you said "
        await ada.click(answer, "Again")
        await slack.until(lambda: ada.modal)
        await ada.submit(your_name="Bob")
        assert ada.modal is not None
        assert ada.modal.errors == {"name": "Who?"}
        await ada.submit(your_name="Ada")
        assert ada.modal is None


async def test_a_command_is_answered_for_the_person_only(slack: Slack) -> None:
    team = slack.team()
    ada, bob = slack.person("ada", team), slack.person("bob", team)
    channel = slack.channel("general", team, ada, bob)
    async with bolt(slack, team):
        await ada.command("/ask", "what", channel)
        await slack.until(lambda: len(slack.answers(channel, by=ada.id)) == 2)
    assert {m.text for m in slack.answers(channel, by=ada.id)} == {"the answer", "one moment"}
    assert slack.answers(channel, by=bob.id) == []


async def test_an_event_comes_again_until_it_is_acknowledged(slack: Slack) -> None:
    """Over a new connection after the old one broke, with the number of the attempt."""
    team = slack.team()
    ada = slack.person("ada", team)
    slack.sockets.ack_s, slack.sockets.retry_s = 0.5, (0, 0, 0, 0, 0, 0, 0, 0)
    async with bolt(slack, team):
        await slack.sockets.cut()
        said = await ada.say("hello")
        await slack.until(lambda: slack.answers(ada.dm, said.ts))
        assert slack.sockets.hellos >= 2
        await slack.sockets.disconnect()
        await slack.until(lambda: slack.sockets.connected)
        await ada.say("again")
        assert ada.last is not None
        assert ada.last.acked is not None
        await slack.quiet()


async def test_faults_are_met_as_often_as_they_were_ordered(slack: Slack) -> None:
    team = slack.team()
    ada = slack.person("ada", team)
    client, place = client_of(slack, team), {"channel": ada.dm.id}
    slack.fail("chat.postMessage", status=429, retry_after=7)
    slack.fail("chat.postMessage", "channel_not_found")
    with pytest.raises(SlackApiError) as limited:
        await client.chat_postMessage(**place, text="1")
    response: Any = limited.value.response
    assert response.status_code == 429
    assert response.headers["Retry-After"] == "7"
    assert await _error(client.chat_postMessage(**place, text="2")) == "channel_not_found"
    await client.chat_postMessage(**place, text="3")
    assert [m.text for m in slack.answers(ada.dm)] == ["3"]


async def test_a_lost_answer_leaves_what_was_done(slack: Slack) -> None:
    """The SDK tries a broken connection again: two messages, unless they carry one client_msg_id."""
    team = slack.team()
    ada = slack.person("ada", team)
    client = client_of(slack, team)
    slack.lose("chat.postMessage")
    await client.chat_postMessage(channel=ada.dm.id, text="twice")
    slack.lose("chat.postMessage")
    await client.chat_postMessage(channel=ada.dm.id, text="once", client_msg_id="c1")
    assert [m.text for m in slack.answers(ada.dm)] == ["twice", "twice", "once"]


async def test_a_silent_stream_expires_and_can_only_be_updated(slack: Slack) -> None:
    team = slack.team()
    ada = slack.person("ada", team)
    client, asked = client_of(slack, team), await _said(slack, ada.dm.id)
    place = {"channel": ada.dm.id, "thread_ts": asked}
    await client.assistant_threads_setStatus(channel_id=ada.dm.id, thread_ts=asked, status="reads…")
    assert slack.status(ada.dm, asked) == "reads…"
    started = await client.chat_startStream(**place, markdown_text="half")
    assert slack.status(ada.dm, asked) == ""
    assert await _error(client.chat_startStream(**place)) == "streaming_state_conflict"
    stream = {"channel": ada.dm.id, "ts": started["ts"]}
    assert await _error(client.chat_update(**stream, text="all")) == "streaming_state_conflict"
    assert slack.expire_streams(all_=True) == 1
    more = client.chat_appendStream(**stream, markdown_text="all")
    assert await _error(more) == "message_not_in_streaming_state"
    await client.chat_update(**stream, text="all")
    assert [m.shown for m in slack.answers(ada.dm, asked)] == ["all"]


async def test_streams_in_channels_name_who_reads_them(slack: Slack) -> None:
    team = slack.team()
    channel = slack.channel("general", team)
    asked = await _said(slack, channel.id)
    starting = client_of(slack, team).chat_startStream(channel=channel.id, thread_ts=asked)
    assert await _error(starting) == "missing_recipient_team_id"


@pytest.mark.filterwarnings(
    "ignore:BasicAuth is deprecated:DeprecationWarning"
)  # slack_sdk with aiohttp 3.14
async def test_a_token_is_rotated_and_the_old_one_expires(slack: Slack) -> None:
    team = slack.team(installed=False)
    client: Any = AsyncWebClient(base_url=slack.api_url)
    secrets = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    first = await client.oauth_v2_access(**secrets, code=slack.installed(team))
    assert (await client.auth_test(token=first["access_token"]))["team_id"] == team.id
    slack.expire_token(first["access_token"])
    assert await _error(client.auth_test(token=first["access_token"])) == "token_expired"
    rotation = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = await client.oauth_v2_access(**secrets, **rotation)
    await client.auth_test(token=second["access_token"])
    assert await _error(client.oauth_v2_access(**secrets, **rotation)) == "invalid_refresh_token"


async def test_a_payload_above_a_limit_is_refused_and_remembered(slack: Slack) -> None:
    team = slack.team()
    ada = slack.person("ada", team)
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "a" * 3001}}]
    posting = client_of(slack, team).chat_postMessage(channel=ada.dm.id, text="x", blocks=blocks)
    assert await _error(posting) == "invalid_blocks"
    assert slack.violations == ["block 0 (section): text has 3001 characters, 1 to 3000"]
    slack.violations.clear()


async def test_waiting_says_what_did_not_come(slack: Slack) -> None:
    began = time.monotonic()
    with pytest.raises(AssertionError, match="a miracle"):
        await slack.until(lambda: False, "a miracle", within_s=0.05)
    assert time.monotonic() - began < 30


async def _said(slack: Slack, channel: str) -> str:
    """A message of somebody, without an event."""
    person = slack.person("somebody", next(iter(slack.teams.values())))
    place = slack.channels[channel]
    place.members.add(person.id)
    return person.posted(place, "a question").ts


async def _error(call: Any) -> str:
    with pytest.raises(SlackApiError) as refused:
        await asyncio.wait_for(call, 10)
    response: Any = refused.value.response
    return str(response["error"])
