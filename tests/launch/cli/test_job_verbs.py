"""The verbs about jobs as a person types them."""

import json

import pytest

from tests.launch.cli.test_verbs import JOB, platform, switchboard
from tests.scripted_platform import NOW, TURN, Answer, ScriptedPlatform, Stream

__all__ = ["platform"]
_ITEM = {
    "document_id": str(TURN),
    "document": "handbook.pdf",
    "status": "running",
    "stage": "embedding",
    "done": 32,
    "total": 480,
    "attempts": 1,
}
_RUNNING = JOB | {
    "status": "running",
    "finished_at": None,
    "errors": [],
    "items": [_ITEM],
    "progress": {"done": 0, "total": 1, "stage": "embedding"},
}
_LETTER = {
    "id": 7,
    "task": "library.ingest",
    "reason": "IndexUnavailable: \x1b[31mno route",
    "attempts": 20,
    "failed_at": NOW,
    "document_id": str(TURN),
}


async def test_a_job_shows_which_document_is_how_far(platform: ScriptedPlatform) -> None:
    platform.on("GET", f"/api/v1/jobs/{TURN}", Answer(_RUNNING))
    said = await switchboard("docs", "jobs", str(TURN), url=platform.url)
    assert said.code == 0
    assert "handbook.pdf: embedding 32/480, attempt 1" in said.out


async def test_following_a_job_ends_with_it_and_its_exit_code(platform: ScriptedPlatform) -> None:
    platform.on("GET", f"/api/v1/jobs/{TURN}", Answer(_RUNNING))
    ended = f"event: job\ndata: {json.dumps(JOB | {'status': 'failed'})}\n\n".encode()
    platform.on("GET", f"/api/v1/jobs/{TURN}/events", Stream([ended]))
    said = await switchboard("docs", "jobs", str(TURN), "--follow", url=platform.url)
    assert said.code == 1
    assert "It has a password." in said.out


async def test_an_admin_reads_why_something_was_given_up_and_replays_it(platform: ScriptedPlatform) -> None:
    platform.on("GET", "/api/v1/admin/jobs/failed", Answer({"items": [_LETTER], "next_cursor": None}))
    platform.on("POST", "/api/v1/admin/jobs/replay", Answer({"replayed": 1, "dropped": 0}))
    listed = await switchboard("docs", "failed", url=platform.url)
    replayed = await switchboard("docs", "replay", "--all", url=platform.url)
    assert "no route" in listed.out
    assert "\x1b" not in listed.out
    assert "1 replayed" in replayed.out


@pytest.mark.parametrize("arguments", [(), ("7", "--all")])
async def test_replaying_says_what_it_wants_to_know(
    platform: ScriptedPlatform, arguments: tuple[str, ...]
) -> None:
    said = await switchboard("docs", "replay", *arguments, url=platform.url)
    assert said.code == 2
    assert "--all" in said.err
