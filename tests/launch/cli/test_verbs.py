"""The verbs as a person types them: another process, a scripted platform."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import scripted_platform as say
from tests.scripted_platform import NOW, SESSION, TURN, Answer, ScriptedPlatform, Stream, sse

ROOT = Path(__file__).parents[3]
BASE = {
    "id": str(SESSION),
    "name": "Demo: pages",
    "owner_type": "user",
    "owner_id": "x",
    "documents": 0,
    "created_at": NOW,
}
JOB = {
    "id": str(TURN),
    "kind": "ingest",
    "status": "succeeded",
    "progress": {"done": 1, "total": 1, "stage": "done"},
    "errors": [{"document": "bad.pdf", "code": "encrypted", "detail": "It has a password."}],
    "created_at": NOW,
    "finished_at": NOW,
}


@dataclass
class Ended:
    code: int | None
    out: str
    err: str


@pytest.fixture
async def platform() -> AsyncIterator[ScriptedPlatform]:
    async with say.running() as running:
        running.on("POST", "/auth/dev", Answer({"access_token": "t", "expires_in": 60}))
        yield running


async def switchboard(*arguments: str, url: str, stdin: str = "") -> Ended:
    environment = {**os.environ, "SWITCHBOARD_URL": url, "PYTHONPATH": f"{ROOT}:{ROOT}/sdk/python"}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "launch",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
    )
    out, err = await process.communicate(stdin.encode())
    return Ended(process.returncode, out.decode(), err.decode())


async def test_ask_shows_the_cited_answer(platform: ScriptedPlatform) -> None:
    events = [say.started(), say.delta(2, "You get 25 days of leave. [1]"), say.completed(3)]
    platform.on("POST", "/api/v1/chat/stream", Stream([sse(event) for event in events]))
    ended = await switchboard("ask", "How", "much", "leave?", url=platform.url)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("You get 25 days of leave. [1]\n\nSources\n[1] Leave › Days · 97%\n")
    assert b"How much leave?" in platform.seen[-1].body


async def test_ask_as_json_is_the_turn_as_the_api_gives_it(platform: ScriptedPlatform) -> None:
    platform.on("POST", "/api/v1/chat", Answer(say.completed(3)))
    ended = await switchboard("ask", "--json", "-", url=platform.url, stdin="How much leave?\n")
    assert ended.code == 0
    assert json.loads(ended.out)["citations"][0]["n"] == 1


@pytest.mark.parametrize(("outcome", "code"), [("not_found", 3), ("refused", 3), ("degraded", 0)])
async def test_the_exit_code_tells_whether_there_was_an_answer(
    platform: ScriptedPlatform, outcome: str, code: int
) -> None:
    platform.on("POST", "/api/v1/chat", Answer(say.completed(3, outcome=outcome)))
    assert (await switchboard("ask", "--json", "what?", url=platform.url)).code == code


async def test_a_problem_goes_to_stderr_with_the_next_step(platform: ScriptedPlatform) -> None:
    platform.on("POST", "/auth/dev", Answer(say.problem(404, "not_found", "No such person."), 404))
    ended = await switchboard("ask", "what?", url=platform.url)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == "No such person. Do something else.\nRequest id: req-from-platform\n"


async def test_chat_takes_questions_from_a_pipe(platform: ScriptedPlatform) -> None:
    me = {"id": str(SESSION), "organisation_id": str(SESSION), "name": "Maya", "email": "m@example.com"}
    platform.on("GET", "/api/v1/me", Answer({**me, "groups": [], "roles": [], "permissions": []}))
    platform.on("POST", "/api/v1/chat/stream", Stream([sse(say.started()), sse(say.completed(2))]))
    ended = await switchboard("chat", url=platform.url, stdin="How much leave?\n/quit\n")
    assert ended.code == 0
    assert ended.out.startswith("› How much leave?\nYou get 25 days of leave. [1]\n")


@pytest.fixture
def pages(tmp_path: Path, platform: ScriptedPlatform) -> Path:
    folder = tmp_path / "pages"
    folder.mkdir()
    (folder / "leave.md").write_text("# Leave\n## How many days do I get?\n25.")
    (folder / "bad.pdf").write_bytes(b"%PDF-")
    documents = [
        {"id": f"00000000-0000-4000-8000-{n:012d}", "title": "t", "status": "queued"} for n in (1, 2)
    ]
    path = f"/api/v1/knowledge-bases/{SESSION}/documents"
    platform.on("GET", "/api/v1/knowledge-bases", Answer({"items": [BASE]}))
    platform.on("POST", path, Answer({"documents": documents, "job_id": str(TURN)}, 202))
    platform.on("GET", f"/api/v1/jobs/{TURN}", Answer(JOB))
    return folder


async def test_docs_add_names_the_files_that_could_not_be_read(
    platform: ScriptedPlatform, pages: Path
) -> None:
    ended = await switchboard("docs", "add", str(pages), url=platform.url)
    assert ended.code == 1
    assert "1 failed, 1 ready" in ended.out
    assert "bad.pdf: It has a password." in ended.out


async def test_demo_reads_a_folder_and_asks_about_it(platform: ScriptedPlatform, pages: Path) -> None:
    events = [say.started(), say.delta(2, "25 days. [1]"), say.completed(3)]
    platform.on("POST", "/api/v1/chat/stream", Stream([sse(event) for event in events]))
    ended = await switchboard("demo", str(pages), url=platform.url)
    assert ended.code == 0
    assert "› How many days do I get?\n25 days. [1]\n\nSources\n" in ended.out
    assert f'"knowledge_base_ids":["{SESSION}"]'.encode() in platform.seen[-1].body


async def test_the_list_of_verbs_loads_none_of_them() -> None:
    script = (
        "import sys; from launch.__main__ import build; build(None); print('switchboard_sdk' in sys.modules)"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    assert (await process.communicate())[0] == b"False\n"
