"""`docs crawl` and `docs sources` as a person types them: another process, a scripted platform."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests import scripted_platform as say
from tests.launch.cli.test_verbs import BASE, JOB, switchboard
from tests.scripted_platform import NOW, SESSION, TURN, Answer, ScriptedPlatform

PLACE = f"/api/v1/knowledge-bases/{SESSION}/sources"
RUN: dict[str, Any] = {
    "id": str(TURN),
    "source_id": str(TURN),
    "job_id": str(TURN),
    "status": "succeeded",
    "counts": {"success": 3, "failed": 1, "skipped": 5, "removed": 2, "unchanged": 4},
    "problems": [{"path": "a", "url": "http://site.test/\x1b[2Ja", "code": "http", "detail": "HTTP 500."}],
    "started_at": NOW,
    "finished_at": NOW,
}
SOURCE: dict[str, Any] = {
    "id": str(TURN),
    "knowledge_base_id": str(SESSION),
    "kind": "crawl",
    "url": "http://site.test/",
    "schedule": 60,
    "status": "stopped",
    "reason": "The site cannot be reached.",
    "documents": 7,
    "last_run": RUN,
    "created_by": str(TURN),
    "created_at": NOW,
}


@pytest.fixture
async def platform() -> AsyncIterator[ScriptedPlatform]:
    async with say.running() as running:
        running.on("POST", "/auth/dev", Answer({"access_token": "t", "expires_in": 60}))
        running.on("GET", "/api/v1/knowledge-bases", Answer({"items": [BASE]}))
        running.on("GET", PLACE, Answer({"items": [SOURCE]}))
        running.on("GET", f"{PLACE}/{TURN}/runs", Answer({"items": [RUN]}))
        running.on("GET", f"/api/v1/jobs/{TURN}", Answer(JOB))
        yield running


async def test_a_site_is_added_followed_and_told(platform: ScriptedPlatform) -> None:
    platform.on("POST", PLACE, Answer(SOURCE, status=201))
    ended = await switchboard(
        "docs", "crawl", "http://site.test/", "--in", BASE["name"], "--schedule", "30", url=platform.url
    )
    sent = next(one for one in platform.seen if one.path == PLACE and one.method == "POST")
    assert b'"schedule":30' in sent.body
    assert ended.code == 0, ended.err
    assert "3 read, 4 unchanged, 1 skipped, 1 failed, 2 removed" in ended.out
    assert "HTTP 500." in ended.out
    assert "\x1b[2J" not in ended.out


async def test_the_sources_are_listed_with_what_is_wrong(platform: ScriptedPlatform) -> None:
    ended = await switchboard("docs", "sources", "list", url=platform.url)
    assert ended.code == 0, ended.err
    assert str(TURN) in ended.out
    assert "stopped" in ended.out


async def test_a_source_is_found_by_its_address_and_started(platform: ScriptedPlatform) -> None:
    platform.on("POST", f"{PLACE}/{TURN}/sync", Answer(RUN, status=202))
    ended = await switchboard(
        "docs", "sources", "sync", "http://site.test/", "--force", "--no-follow", url=platform.url
    )
    assert (ended.code, ended.out) == (0, f"started {TURN}\n"), ended.err


@pytest.mark.parametrize("arguments", [("sync", "nothing"), ("runs", "nothing")])
async def test_a_source_that_is_not_there_is_wrong_usage(
    platform: ScriptedPlatform, arguments: tuple[str, ...]
) -> None:
    ended = await switchboard("docs", "sources", *arguments, url=platform.url)
    assert ended.code == 2
    assert "sources list" in ended.err.replace("\n", " ").replace("│ ", "")
