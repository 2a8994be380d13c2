"""A tool server on its whole way: registered, approved, called, changed, quarantined, compared, approved
again; and a question asked in the console that is answered over REST (SPEC 5, 9). All through public
surfaces: the command line, REST, MCP and the console, against `switchboard up`.
"""

import asyncio
import io
import json
import os
import re
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import httpx2
import pytest
import structlog
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from switchboard_sdk import ApiError, Switchboard
from typer.testing import CliRunner

from bot.console.app import Chat, Terminal
from bot.console.parse import Command
from kit.wire.interactions import Interaction
from kit.wire.tools import ToolOutcome
from launch.__main__ import build
from launch.child import free_port, running
from launch.cli import mcp_commands
from tests.e2e.conftest import data_folder
from tests.e2e.signed_in_notes import Live, Notes
from tests.loopback import listening
from tests.platform_api.toolbox.connections.authorization_server import AuthorizationServer
from tests.tools.openapi.pets import PetsApi, document
from tests.tools.world import served

pytestmark = [pytest.mark.timeout(240)]
ROOT = Path(__file__).parents[2]
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "switchboard"
FOREIGN = Path(os.environ.get("SWITCHBOARD_FOREIGN_SERVERS") or _CACHE / "foreign-servers")
TIME_SERVER = FOREIGN / "bin" / "mcp-server-time"
SHIFTING = ROOT / "tests" / "e2e" / "shifting.py"


class World:
    """A running platform and the ways to it that everybody has."""

    def __init__(self, url: str, data: Path, pid: int) -> None:
        self.url = url
        self.data = data
        self.pid = pid

    async def mcp(self, *words: str, person: str = "ada") -> tuple[int, str]:
        """`switchboard mcp …` as a person types it: exit status, and what is shown. In a thread: a process
        for each costs more than all that it does."""
        typed = ["mcp", words[0], "--url", self.url, "--as", person, *words[1:]]
        before = structlog.get_config()
        try:
            ended = await asyncio.to_thread(CliRunner().invoke, build("mcp"), typed)
        finally:
            # it sets up logging for a process of its own
            structlog.configure(**before)
        return ended.exit_code, ended.output

    @asynccontextmanager
    async def person(self, name: str) -> AsyncGenerator[Switchboard]:
        async with Switchboard(self.url) as switchboard:
            await switchboard.sign_in_dev(name)
            yield switchboard

    async def over_rest(self, tool: str, **arguments: Any) -> str:
        async with self.person("maya") as maya:
            done = await maya.tools.invoke(tool, arguments)
        assert isinstance(done, ToolOutcome), done
        return text_of(done)

    async def over_mcp(self, tool: str, **arguments: Any) -> Any:
        """By the Python SDK's client, which nobody here wrote."""
        async with self.person("maya") as maya:
            key = (await maya.api_keys.create("journey", expires_in_days=1)).key
        headers = {"Authorization": f"Bearer {key}"}
        async with httpx2.AsyncClient(headers=headers, timeout=30, trust_env=False) as http:
            async with Client(streamable_http_client(f"{self.url}/mcp", http_client=http)) as client:
                names = {one.name for one in (await client.list_tools()).tools}
                return names, await client.call_tool(tool, arguments)

    async def in_the_console(self, line: str) -> str:
        async with self.person("maya") as maya:
            out = io.StringIO()
            await Chat(maya, Terminal(out)).take(Command("call", line))
            return out.getvalue()

    async def until(self, tool: str, wanted: bool) -> None:
        """The gateway hears of a change by itself, within seconds."""
        async with self.person("maya") as maya, asyncio.timeout(30):
            while (tool in {one.name async for one in maya.tools.all()}) is not wanted:
                await asyncio.sleep(0.1)


def text_of(outcome: ToolOutcome) -> str:
    return " ".join(str(block.get("text")) for block in outcome.content)


@asynccontextmanager
async def world(data: Path, port: int | None = None) -> AsyncGenerator[World]:
    async with running(data, port) as started:
        yield World(started.base_url, data, started.pid)


async def registered(here: World, *command: str, name: str = "shift", trust: bool = True) -> None:
    status, shown = await here.mcp("add", name, "--data", str(here.data), "--", *command)
    assert status == 0, shown
    assert "Nobody can call them yet" in shown
    status, shown = await here.mcp("approve", name, "--yes", *(["--trust-annotations"] if trust else []))
    assert status == 0, shown


@pytest.mark.proves("GOV-704", "GOV-707", "GOV-708", "GOV-709")
async def test_a_server_that_changes_under_our_feet_is_caught_compared_and_approved_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with data_folder() as data:
        async with served(PetsApi()) as pets:
            monkeypatch.setenv("SWITCHBOARD_OUTBOUND__ALLOWED_HOSTS", json.dumps([urlsplit(pets).netloc]))
            async with world(data) as here:
                await a_rest_api_takes_the_same_way(here, pets)
                await a_stdio_server_takes_the_whole_way(here, data)


async def a_stdio_server_takes_the_whole_way(here: World, data: Path) -> None:
    switch = data / "switch"
    switch.write_text("first")
    command = (sys.executable, str(SHIFTING), str(switch))
    await registered(here, *command)
    await here.until("greet", wanted=True)

    assert await here.over_rest("greet", name="Ada") == "Hello, Ada!"
    names, answer = await here.over_mcp("greet", name="Bo")
    assert {"greet", "note"} <= names
    assert answer.content[0].text == "Hello, Bo!"
    assert "Hello, Cy!" in await here.in_the_console("greet name=Cy")

    switch.write_text("second")
    status, shown = await here.mcp("diff", "shift")
    assert status == 3, shown
    assert "[-hello-]" in shown
    assert "{+goodbye+}" in shown
    assert "inputSchema.properties.times" in shown
    await here.until("greet", wanted=False)
    assert "taken out of use" in await here.over_rest("greet", name="Ada")
    names, answer = await here.over_mcp("greet", name="Bo")
    assert "greet" not in names
    assert answer.is_error
    assert "note" in names  # what has not changed stays

    status, shown = await here.mcp("approve", "shift", "--yes", "--trust-annotations")
    assert status == 0, shown
    await here.until("greet", wanted=True)
    assert await here.over_rest("greet", name="Ada") == "Hello, Ada!"
    async with here.person("ada") as ada:
        shift = await ada.mcp_servers.find("shift")
        assert shift is not None
        seen = [event.type async for event in ada.mcp_servers.logs(shift.id)]
    assert {"tool.approved", "tool_server.registered"} <= set(seen)
    assert any("quarantine" in type or "drift" in type for type in seen)
    await a_question_is_answered_elsewhere(here, switch)


async def a_rest_api_takes_the_same_way(here: World, pets: str) -> None:
    """By the SDK this time: registered from its document, approved, called, changed, quarantined."""
    before, after = document(f"{pets}/v1"), document(f"{pets}/v1")
    after["paths"]["/pets/{petId}"]["get"]["description"] = "One pet, and its owner."
    async with here.person("ada") as ada, here.person("maya") as maya:
        known = await ada.mcp_servers.register(name="pets", document=before, base_url=f"{pets}/v1")
        listed = await ada.mcp_servers.definitions(known.id)
        assert {one.tool.name for one in listed.items} == {"listPets", "addPet", "getPet", "deletePet"}
        approved = await ada.mcp_servers.approve(known.id)
        risks = {one.name: one.policy.risk for one in approved.items if one.policy}
        assert risks == {"listPets": "read", "addPet": "write", "getPet": "read", "deletePet": "destructive"}
        await here.until("getPet", wanted=True)
        done = await maya.tools.invoke("getPet", {"petId": "1"})
        assert isinstance(done, ToolOutcome)
        assert done.structured == {"id": 1, "name": "Ada"}
        now = await ada.mcp_servers.get(known.id)
        changed = await ada.mcp_servers.update(now, document=after, base_url=f"{pets}/v1")
        await ada.mcp_servers.definitions(changed.id)
        await here.until("getPet", wanted=False)
        assert "listPets" in {one.name async for one in maya.tools.all()}


async def a_question_is_answered_elsewhere(here: World, switch: Path) -> None:
    """Asked in the console, answered over REST; the result arrives in the console."""
    out = io.StringIO()
    async with here.person("maya") as maya:
        console = asyncio.create_task(
            Chat(maya, Terminal(out), read=nobody_types).take(Command("call", "note text=eggs"))
        )
        asked = await open_question(here)
        async with here.person("maya") as elsewhere:
            await elsewhere.interactions.respond(asked.id, "accept")
        await asyncio.wait_for(console, 60)
    assert "Noted: eggs" in out.getvalue(), out.getvalue()
    assert switch.with_name("notes.txt").read_text() == "eggs\n"


async def nobody_types(prompt: str) -> str | None:
    await asyncio.Event().wait()
    return None


@pytest.mark.full
@pytest.mark.proves("GOV-709")
async def test_asked_in_the_console_answered_over_rest_with_a_restart_in_between() -> None:
    with data_folder() as data:
        port, out = free_port(), io.StringIO()
        async with world(data, port) as first, first.person("maya") as maya:
            switch = data / "switch"
            switch.write_text("first")
            await registered(first, sys.executable, str(SHIFTING), str(switch))
            await first.until("note", wanted=True)
            chat = Chat(maya, Terminal(out), read=nobody_types)
            console = asyncio.create_task(chat.take(Command("call", "note text=milk")))
            asked = await open_question(first)
            assert asked.forms[0].arguments == {"text": "milk"}
            os.kill(first.pid, signal.SIGKILL)
            # the console waits on while the platform is away
            async with world(data, port) as second:
                assert not switch.with_name("notes.txt").exists()
                async with second.person("maya") as elsewhere:
                    await elsewhere.interactions.respond(asked.id, "accept")
                await asyncio.wait_for(console, 60)
                async with second.person("maya") as elsewhere:
                    with pytest.raises(ApiError):
                        await elsewhere.interactions.respond(asked.id, "decline")
        assert "Noted: milk" in out.getvalue(), out.getvalue()
        assert switch.with_name("notes.txt").read_text() == "milk\n"


async def open_question(here: World) -> Interaction:
    async with here.person("maya") as elsewhere, asyncio.timeout(30):
        while True:
            async for one in elsewhere.interactions.all(status="open"):
                return one
            await asyncio.sleep(0.1)


@pytest.mark.full
@pytest.mark.proves("GOV-708")
async def test_a_server_from_pypi_over_stdio_takes_the_same_way() -> None:
    if not TIME_SERVER.exists():
        pytest.skip("run scripts/install_foreign_servers.sh")
    with data_folder() as data:
        async with world(data) as here:
            command = [str(TIME_SERVER), "--local-timezone"]
            status, shown = await here.mcp(
                "add", "time", "--data", str(data), "--", *command, "Australia/Sydney"
            )
            assert status == 0, shown
            status, shown = await here.mcp("approve", "time", "--yes", "--risk", "read")
            assert status == 0, shown
            await here.until("convert_time", wanted=True)
            asked = {"source_timezone": "UTC", "time": "12:00", "target_timezone": "Asia/Kolkata"}
            assert "17:30" in await here.over_rest("convert_time", **asked)
            assert "17:30" in (await here.over_mcp("convert_time", **asked))[1].content[0].text
            line = " ".join(f"{name}={value}" for name, value in asked.items())
            assert "17:30" in await here.in_the_console(f"convert_time {line}")

            # another local time zone stands in its tools' descriptions
            mcp_commands.add(data, "time", [*command, "Asia/Tokyo"], replace=True)
            status, shown = await here.mcp("diff", "time")
            assert status == 3, shown
            assert "Asia/Tokyo" in shown
            await here.until("convert_time", wanted=False)
            status, shown = await here.mcp("approve", "time", "--yes", "--risk", "read")
            assert status == 0, shown
            await here.until("convert_time", wanted=True)
            assert "17:30" in await here.over_rest("convert_time", **asked)


@pytest.mark.full
@pytest.mark.proves("GOV-708")
async def test_a_server_over_http_with_oauth_takes_the_same_way(monkeypatch: pytest.MonkeyPatch) -> None:
    issuer = AuthorizationServer()
    async with listening(issuer.app()) as issuer.url:
        live = Live(issuer)
        notes = Notes(issuer, live)
        allowed = [urlsplit(issuer.url).netloc, urlsplit(notes.address).netloc]
        monkeypatch.setenv("SWITCHBOARD_OUTBOUND__ALLOWED_HOSTS", json.dumps(allowed))
        monkeypatch.setenv("JOURNEY_SECRET", "the client's secret")
        issuer.clients["journey"] = "the client's secret"
        with data_folder() as data:
            async with notes.running(), world(data) as here:
                status, shown = await here.mcp(
                    "add", "notes", "--at", notes.address, "--credential", "stored"
                )
                assert status == 3, shown  # registered; nobody is connected yet
                sign_in = ("--client-id", "journey", "--secret-from", "JOURNEY_SECRET")
                status, shown = await here.mcp("sign-in", "notes", *sign_in)
                assert status == 0, shown
                async with here.person("ada") as ada:
                    await connect_account(ada, issuer)
                status, shown = await here.mcp("approve", "notes", "--yes", "--risk", "read")
                assert status == 0, shown
                await here.until("newest_note", wanted=True)

                async with here.person("maya") as maya:
                    first = await maya.tools.invoke("newest_note", {})
                    assert isinstance(first, Interaction)
                    assert first.kind == "connect_account"
                    await connect_account(maya, issuer)
                    ended = await maya.interactions.wait(first.id, longest_s=60)
                    assert ended.result is not None
                    assert "Buy milk." in text_of(ended.result)
                assert "Buy milk." in (await here.over_mcp("newest_note"))[1].content[0].text
                assert "Buy milk." in await here.in_the_console("newest_note")

                notes.change("Reads the newest note and forgets it.")
                status, shown = await here.mcp("diff", "notes")
                assert status == 3, shown
                assert "{+" in shown
                await here.until("newest_note", wanted=False)
                status, shown = await here.mcp("approve", "notes", "--yes", "--risk", "read")
                assert status == 0, shown
                await here.until("newest_note", wanted=True)
                assert "Buy milk." in await here.over_rest("newest_note")
            written = b"".join(one.read_bytes() for one in data.glob("*.log"))
            tokens = {token for family in issuer.families for token in (*family.access, family.refresh)}
            assert tokens
            assert not [token for token in tokens if token.encode() in written]


async def connect_account(person: Switchboard, issuer: AuthorizationServer) -> None:
    """As in a browser: our page, the authorization server's, and back."""
    started = await person.connections.start("notes")
    assert started.url is not None
    async with httpx.AsyncClient(base_url=person.base_url, trust_env=False, timeout=30) as browser:
        link = urlsplit(started.url).path
        page = await browser.get(link)
        seen = re.search(r'name="seen" value="([^"]+)"', page.text)
        there = await browser.post(link, data={"seen": seen[1] if seen else ""})
        assert there.status_code == 303, there.text
        back = urlsplit(issuer.authorise(there.headers["location"]))
        done = await browser.get(f"{back.path}?{back.query}")
        assert done.status_code == 200, done.text
