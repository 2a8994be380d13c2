"""A real client of Teams, in a browser: the Microsoft 365 Agents Playground against `switchboard bot teams`.

It shows what our connector stub cannot: that cards, streams, citations and in-place replacement look and work
as people meet them. It enforces little; limits and refusals are the stub's to assert. Screenshots lie in
test-output/teams/playground and are looked at by people.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from switchboard_sdk import Switchboard

from tests.e2e.conftest import Place
from tests.teams.tools import chromium, node, pictures, teams_tools

TENANT = "00000000-0000-0000-0000-0000000000001"
PERSON = f"teams:{TENANT}/00000000-0000-0000-0000-0000000000020"
"""Who the Playground says sits there."""
QUESTION = "How many days of annual leave do full-time staff earn a year?"
WISH = "I want to book a meeting of 30 minutes next week about ACE training"
ANSWER = [
    {"do": "open"},
    {"do": "say", "text": QUESTION},
    {"do": "wait", "text": "AI generated"},
    {"do": "wait", "text": "You can carry over"},
    {"do": "see", "name": "answer"},
    {"do": "hover", "name": "1"},
    {"do": "see", "name": "citation"},
    {"do": "press", "name": "Like"},
    {"do": "dialog", "text": "Short and right"},
    {"do": "see", "name": "feedback"},
    {"do": "press", "name": "Submit"},
]
BOOK = [
    {"do": "open"},
    {"do": "say", "text": WISH},
    {"do": "wait", "text": "Last name"},
    {"do": "see", "name": "form"},
    {"do": "fill", "label": "First name", "text": "Maya"},
    {"do": "fill", "label": "Last name", "text": "Lind"},
    {"do": "fill", "label": "E-mail", "text": "maya at example"},
    {"do": "choose", "label": "I agree (needed)"},
    {"do": "press", "name": "Send"},
    {"do": "wait", "text": "marked fields once more"},
    {"do": "see", "name": "complaint"},
    {"do": "fill", "label": "E-mail", "text": "maya@example.com"},
    {"do": "press", "name": "Send"},
    {"do": "wait", "text": "Other times"},
    {"do": "see", "name": "slots"},
    {"do": "slot"},
    {"do": "wait", "text": "Book it"},
    {"do": "see", "name": "confirm"},
    {"do": "timed", "name": "Book it", "text": "is booked"},
    {"do": "see", "name": "booked"},
]


@asynccontextmanager
async def process(*command: str, env: Mapping[str, str], log: Path) -> AsyncGenerator[None]:
    with log.open("w") as out:
        child = await asyncio.create_subprocess_exec(
            *command,
            env={**os.environ, **env},
            cwd=log.parent,  # the playground writes a folder of its own where it is started
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
        try:
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGTERM)
            await child.wait()


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return door.getsockname()[1]


async def until_open(url: str) -> None:
    async with asyncio.timeout(120), httpx.AsyncClient() as client:
        while True:
            with contextlib.suppress(httpx.HTTPError):
                await client.get(url)
                return
            await asyncio.sleep(0.2)


async def link(platform: Place, key: str) -> None:
    """Whoever sits at the Playground is maya."""
    async with Switchboard(platform.url, key) as bot, platform.as_person("maya") as maya:
        state = await bot.links.request(PERSON, name="Alex Wilber")
        if state.code:
            await maya.links.confirm(state.code, PERSON)


@pytest.fixture
async def playground(platform: Place, key: str, tmp_path: Path) -> AsyncGenerator[str]:
    """Its address; the bot behind it is the real command."""
    await link(platform, key)
    bot, door = free_port(), free_port()
    origins = [f"http://{host}:{door}" for host in ("127.0.0.1", "localhost")]
    settings = {
        "SWITCHBOARD_TEAMS__PLAYGROUND": "true",
        "SWITCHBOARD_TEAMS__BOT_KEY": key,
        "SWITCHBOARD_TEAMS__PLATFORM_URL": platform.url,
        "SWITCHBOARD_TEAMS__TENANT": TENANT,
        "SWITCHBOARD_TEAMS__SERVICE_HOSTS": json.dumps(origins),
    }
    serve = ("-m", "launch", "bot", "teams", "--http", str(bot))
    script = str(teams_tools() / "node_modules" / ".bin" / "agentsplayground")
    address = f"http://127.0.0.1:{bot}/api/messages"
    play = (script, "-e", address, "-c", "msteams", "-p", str(door), "--disable-telemetry")
    quiet = {"TEAMSAPPTESTER_BROWSER": "none"}
    async with process(sys.executable, *serve, env=settings, log=tmp_path / "bot.log"):
        await until_open(f"http://127.0.0.1:{bot}/")
        async with process(node(), *play, env=quiet, log=tmp_path / "playground.log"):
            await until_open(f"http://127.0.0.1:{door}/")
            yield f"http://127.0.0.1:{door}/"


async def played(url: str, plan: list[dict[str, Any]], tmp_path: Path) -> list[dict[str, Any]]:
    """What was seen at each step."""
    given = tmp_path / "plan.json"
    given.write_text(json.dumps(plan))
    arguments = (str(teams_tools()), chromium(), url, str(pictures("playground")), str(given))
    child = await asyncio.create_subprocess_exec(
        node(), "tests/teams/playground.mjs", *arguments, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await child.communicate()
    seen = [json.loads(line) for line in out.decode().splitlines()]
    assert child.returncode == 0, seen[-1]
    return seen


def at(seen: list[dict[str, Any]], plan: list[dict[str, Any]], name: str) -> str:
    """All text on the page when that screenshot was taken."""
    number = next(n for n, step in enumerate(plan) if step.get("do") == "see" and step["name"] == name)
    return str(seen[number]["text"])


@pytest.mark.full
@pytest.mark.timeout(600)
@pytest.mark.proves("TEAMS-215")
async def test_an_answer_streams_with_citations_that_open_on_hover_and_takes_feedback(
    playground: str, tmp_path: Path
) -> None:
    seen = await played(playground, ANSWER, tmp_path)
    assert "AI generated" in at(seen, ANSWER, "answer")
    before, after = (at(seen, ANSWER, name).count("Annual leave") for name in ("answer", "citation"))
    assert after == before + 1
    assert "What did you like?" in at(seen, ANSWER, "feedback")


@pytest.mark.full
@pytest.mark.timeout(600)
@pytest.mark.proves("TEAMS-215")
async def test_a_meeting_is_booked_by_form_slot_and_confirmation(
    playground: str, platform: Place, tmp_path: Path
) -> None:
    seen = await played(playground, BOOK, tmp_path)
    complaint = at(seen, BOOK, "complaint")
    assert "not an e-mail address" in complaint
    slots = at(seen, BOOK, "slots")
    assert "Answered" in slots
    assert "Last name" not in slots
    booked = at(seen, BOOK, "booked")
    assert "is booked" in booked
    (timed,) = [step for step in seen if step["did"] == "timed"]
    print(f"\nFrom the last click to the confirmation, seen in the browser: {timed['ms']} ms")
    async with platform.as_person("maya") as maya:
        outcome = await maya.tools.invoke("meetings.list", {})
    assert "ACE training" in str(outcome)
