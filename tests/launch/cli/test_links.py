"""`switchboard link`: a code that a bot showed makes its account mine, once I have seen whose it is."""

import json
from collections.abc import AsyncIterator

import pytest

from tests import scripted_platform
from tests.launch.cli.test_verbs import switchboard
from tests.scripted_platform import NOW, TURN, Answer, ScriptedPlatform

CODE, IDENTITY = "K7QM-4XWP", "slack:T012AB3C4/U061F7AUR"
OFFER = {"identity": IDENTITY, "channel": "slack", "name": "maya\u001b[2J", "expires_at": NOW}
LINK = {
    "id": str(TURN),
    "channel": "slack",
    "identity": IDENTITY,
    "name": "maya",
    "how": "confirmed",
    "linked_at": NOW,
}


@pytest.fixture
async def platform() -> AsyncIterator[ScriptedPlatform]:
    async with scripted_platform.running() as running:
        running.on("POST", "/auth/dev", Answer({"access_token": "t", "expires_in": 60}))
        running.on("GET", f"/api/v1/links/offers/{CODE}", Answer(OFFER))
        running.on("POST", "/api/v1/links/confirm", Answer(LINK, 201))
        yield running


async def test_a_code_links_the_account_that_was_shown(platform: ScriptedPlatform) -> None:
    ended = await switchboard("link", CODE, url=platform.url, stdin="y\n")
    assert ended.code == 0
    assert ended.out.startswith("slack: maya")
    assert "\x1b" not in ended.out
    (confirmed,) = platform.requests("POST", "/api/v1/links/confirm")
    assert json.loads(confirmed.body) == {"code": CODE, "identity": IDENTITY}


async def test_somebody_elses_account_is_not_linked(platform: ScriptedPlatform) -> None:
    ended = await switchboard("link", CODE, url=platform.url, stdin="n\n")
    assert ended.code == 1
    assert "Nothing was linked." in ended.err
    assert platform.requests("POST", "/api/v1/links/confirm") == []


async def test_the_key_of_a_bot_stands_alone_on_the_output(platform: ScriptedPlatform) -> None:
    key = {
        "id": str(TURN),
        "name": "slack",
        "scopes": [],
        "created_at": NOW,
        "expires_at": NOW,
        "key": "sb_1_x",
    }
    platform.on("POST", "/api/v1/admin/bots", Answer(key, 201))
    ended = await switchboard("bot", "key", "slack", url=platform.url)
    assert (ended.code, ended.out) == (0, "sb_1_x\n"), ended.err
    assert "SWITCHBOARD_SLACK__BOT_KEY" in ended.err
