"""Which workspaces are served, over HTTP with Slack's signature (issue 8)."""

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Protocol

import httpx
import pytest
from pydantic import SecretStr

from bot.slack.app import SlackBot
from bot.slack.serving import NotSigned, web
from tests.bot.slack.conftest import Desk
from tests.slack.simulator import Slack
from tests.slack.simulator.delivery import SignedHttp
from tests.slack.simulator.server import CLIENT_ID, CLIENT_SECRET, SIGNING_SECRET

SEVERAL = {"bot_token": "", "client_id": CLIENT_ID, "client_secret": SecretStr(CLIENT_SECRET)}


@asynccontextmanager
async def browser(bot: SlackBot) -> AsyncGenerator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=web(bot))
    async with httpx.AsyncClient(transport=transport, base_url="https://bot.example") as client:
        yield client


async def install(client: httpx.AsyncClient, code: str, state: str = "") -> httpx.Response:
    page = await client.get("/slack/install")
    params = {"code": code, "state": state or _state(page)}
    return await client.get("/slack/oauth_redirect", params=params)


def _state(page: httpx.Response) -> str:
    return page.text.split("state=")[1].split('"')[0].split("&")[0]


@pytest.mark.proves("SLACK-103")
async def test_a_named_workspace_installs_us_and_is_answered(desk: Desk) -> None:
    team = desk.slack.team("beta", installed=False)
    person = desk.slack.person("ben", team)
    async with desk.bot(**SEVERAL, workspaces=[team.id]) as bot:
        async with browser(bot) as client:
            assert (await install(client, desk.slack.installed(team))).status_code == 200
        assert f"install/{team.id}" in desk.platform.state
        question = await person.say("How many days of leave do I get?")
        assert "25 days" in (await desk.the_answer(bot, question)).shown


@pytest.mark.proves("SLACK-103")
async def test_any_other_workspace_is_refused_and_its_token_revoked(desk: Desk) -> None:
    team = desk.slack.team("strangers", installed=False)
    async with desk.bot(**SEVERAL, workspaces=["T0SOMEBODY"]) as bot, browser(bot) as client:
        assert (await install(client, desk.slack.installed(team))).status_code >= 400
        assert not [key for key in desk.platform.state if key.startswith("install/")]
        assert desk.slack.calls_of("auth.revoke")


@pytest.mark.proves("SLACK-103")
async def test_a_state_of_another_browser_or_a_second_time_is_refused(desk: Desk) -> None:
    async with desk.bot(**SEVERAL, workspaces=[desk.team.id]) as bot:
        async with browser(bot) as theirs, browser(bot) as ours:
            page = await theirs.get("/slack/install")
            refused = await install(ours, desk.slack.installed(desk.team), _state(page))
            assert refused.status_code >= 400
        assert not [key for key in desk.platform.state if key.startswith("install/")]


@pytest.mark.proves("SLACK-103")
async def test_a_token_is_renewed_before_it_expires_and_when_slack_says_so(desk: Desk) -> None:
    team = desk.slack.team("beta", installed=False)
    person = desk.slack.person("ben", team)
    async with desk.bot(**SEVERAL, workspaces=[team.id]) as bot:
        async with browser(bot) as client:
            await install(client, desk.slack.installed(team))
        entry = desk.platform.state[f"install/{team.id}"]
        first = entry.value["bot_token"]
        entry.value["expires_at"] = time.time() + 60
        await desk.the_answer(bot, await person.say("One"))
        second = desk.platform.state[f"install/{team.id}"].value["bot_token"]
        assert second != first
        desk.slack.expire_token(second)
        await desk.the_answer(bot, await person.say("Two"))
        assert desk.platform.state[f"install/{team.id}"].value["bot_token"] not in (first, second)


@pytest.mark.proves("SLACK-103")
async def test_a_workspace_without_an_installation_gets_nothing(desk: Desk) -> None:
    other = desk.slack.team("others", installed=False)
    eve = desk.slack.person("eve", other)
    async with desk.bot() as bot:
        await eve.say("How many days of leave do I get?")
        await bot.idle()
        assert desk.slack.answers(eve.dm) == []
        assert desk.platform.asked == []


async def test_over_http_a_signature_counts_and_an_old_or_forged_one_does_not(desk: Desk) -> None:
    async with desk.bot(app_token="") as bot, _door(desk.slack, bot) as send:
        question = desk.maya.posted(desk.maya.dm, "How many days of leave do I get?")
        body = desk.maya.event_body(desk.maya.message_event(question), desk.maya.dm)
        assert await send(body, secret="another") == 401
        assert await send(body, at=time.time() - 600) == 401
        assert desk.platform.asked == []
        assert await send(body) == 200
        assert await send(body) == 200
        await desk.the_answer(bot, question)
        assert len(desk.platform.asked) == 1


async def test_without_a_signing_secret_there_is_no_http(desk: Desk) -> None:
    async with desk.bot(signing_secret="") as bot:
        with pytest.raises(NotSigned):
            web(bot)


class Send(Protocol):
    async def __call__(
        self, body: dict[str, Any], *, at: float | None = None, secret: str | None = None
    ) -> int: ...


@asynccontextmanager
async def _door(slack: Slack, bot: SlackBot) -> AsyncGenerator[Send]:
    signing = SignedHttp(slack, "https://bot.example/slack/events", SIGNING_SECRET)
    async with browser(bot) as client:

        async def send(body: dict[str, Any], *, at: float | None = None, secret: str | None = None) -> int:
            headers, content = signing.request("events_api", body, at=at, secret=secret)
            return (await client.post("/slack/events", headers=headers, content=content)).status_code

        yield send
    await signing.close()
