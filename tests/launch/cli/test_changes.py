"""The verbs that change documents, as a person types them."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID

import pytest
import typer

from kit.wire.library import ShareWith
from launch.cli.changes import corrections, share_with
from tests import scripted_platform
from tests.launch.cli.test_verbs import switchboard
from tests.scripted_platform import NOW, SESSION, TURN, Answer, ScriptedPlatform

DOCUMENT = {
    "id": str(TURN),
    "knowledge_base_id": str(SESSION),
    "path": "leave.md",
    "title": "Leave",
    "status": "ready",
    "version": 1,
    "content_type": "text/markdown",
    "size": 10,
    "source": "upload",
    "source_url": "/x",
    "service_scope": "ace",
    "scope_reason": "set by an editor",
    "doc_type": "policy",
    "privacy_level": "general",
    "corrected": ["service_scope"],
    "chunks": 1,
    "edition": 7,
    "created_at": NOW,
    "updated_at": NOW,
}
PATH = f"/api/v1/knowledge-bases/{SESSION}/documents/{TURN}"


@pytest.fixture
async def platform() -> AsyncIterator[ScriptedPlatform]:
    async with scripted_platform.running() as running:
        running.on("POST", "/auth/dev", Answer({"access_token": "t", "expires_in": 60}))
        yield running


def test_whom_a_person_means() -> None:
    assert share_with("tom@example.com") == ShareWith(email="tom@example.com")
    assert share_with("@finance") == ShareWith(group="finance")
    assert share_with("everyone") == ShareWith(everyone=True)
    assert share_with(str(TURN)) == ShareWith(user_id=UUID(str(TURN)))
    for text in ("tom", "@", "tom@", ""):
        with pytest.raises(typer.BadParameter, match="no e-mail address"):
            share_with(text)


def test_what_is_not_said_is_not_corrected_and_auto_gives_back() -> None:
    given = {"title": "auto", "doc_type": None, "last_modified": "2026-03-01"}
    assert corrections(given, "a, b") == {
        "title": None,
        "tags": ["a", "b"],
        "last_modified": datetime(2026, 3, 1, tzinfo=UTC),
    }
    assert corrections({"title": None}, "auto") == {"tags": None}
    with pytest.raises(typer.BadParameter, match="no such day"):
        corrections({"last_modified": "no such day"}, None)


async def test_a_document_is_edited_by_its_id_alone(platform: ScriptedPlatform) -> None:
    platform.on("GET", f"/api/v1/documents/{TURN}", Answer(DOCUMENT))
    platform.on("PATCH", PATH, Answer({"document": DOCUMENT}))
    ended = await switchboard(
        "docs", "edit", str(TURN), "--scope", "ace", "--title", "auto", url=platform.url
    )
    sent = platform.seen[-1]
    assert (ended.code, ended.err) == (0, "")
    assert "scope ace: set by an editor" in ended.out
    assert json.loads(sent.body) == {"title": None, "service_scope": "ace"}
    assert sent.headers["if-match"] == '"7"'


async def test_a_document_is_shared_with_several(platform: ScriptedPlatform) -> None:
    share = {"kind": "person", "name": "Tom", "email": "tom@example.com", "given_at": NOW}
    platform.on("GET", f"/api/v1/documents/{TURN}", Answer(DOCUMENT))
    platform.on("POST", f"{PATH}/shares", Answer(share, 201))
    ended = await switchboard("docs", "share", str(TURN), "tom@example.com", "@finance", url=platform.url)
    assert ended.out.splitlines() == ["Leave: shared with Tom <tom@example.com>"] * 2
    assert [json.loads(one.body) for one in platform.seen[-2:]] == [
        {"email": "tom@example.com"},
        {"group": "finance"},
    ]
