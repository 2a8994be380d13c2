"""The message extension: what is found is the person's who searches, and what they post says no more."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from switchboard_sdk import Switchboard

from bot.teams.extension import Extension, text_of
from tests.bot.teams.cards.rules import broken, of_type, texts
from tests.bot.teams.cards.samples import SEARCHED
from tests.scripted_platform import Answer, ScriptedPlatform, problem, running

SEARCH = "/api/v1/tools/docs.search/invoke"
QUERY = {"commandId": "searchDocuments", "parameters": [{"name": "query", "value": "annual leave"}]}


@pytest.fixture
async def platform() -> AsyncIterator[ScriptedPlatform]:
    async with running() as scripted:
        yield scripted


async def found(platform: ScriptedPlatform, value: dict[str, Any] = QUERY) -> dict[str, Any]:
    async with Switchboard(platform.url, "key") as switchboard:
        them = switchboard.acting_as("teams:tenant/maya")
        return (await Extension("https://sb.example").found(them, value))["composeExtension"]


def outcome(structured: Any, is_error: bool = False) -> Answer:
    return Answer({"is_error": is_error, "content": [], "structured": structured})


@pytest.mark.proves("TEAMS-211")
async def test_documents_are_searched_as_the_person_who_searches(platform: ScriptedPlatform) -> None:
    platform.on("POST", SEARCH, outcome(SEARCHED))
    given = await found(platform)
    (seen,) = platform.requests("POST", SEARCH)
    assert seen.headers["X-Act-As"] == "teams:tenant/maya"
    assert json.loads(seen.body)["arguments"]["query"] == "annual leave"
    (one,) = given["attachments"]
    assert one["preview"]["content"]["title"] == "Leave"
    assert one["preview"]["content"]["subtitle"] == "Annual leave"
    assert "3 weeks" in one["preview"]["content"]["text"]


@pytest.mark.proves("TEAMS-211")
async def test_what_goes_into_a_chat_is_title_and_link_without_the_text(platform: ScriptedPlatform) -> None:
    platform.on("POST", SEARCH, outcome(SEARCHED))
    (one,) = (await found(platform))["attachments"]
    card = one["content"]
    assert broken(card) == []
    assert "Leave › Annual leave" in texts(card)
    assert "3 weeks" not in json.dumps(card)
    assert {link["url"] for link in of_type(card, "Action.OpenUrl")} == {
        f"https://sb.example{SEARCHED['chunks'][0]['metadata']['source_url']}"
    }


@pytest.mark.proves("TEAMS-211")
async def test_a_section_is_listed_once(platform: ScriptedPlatform) -> None:
    twice = {**SEARCHED, "chunks": SEARCHED["chunks"] * 2}
    platform.on("POST", SEARCH, outcome(twice))
    assert len((await found(platform))["attachments"]) == 1


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (outcome({**SEARCHED, "chunks": []}), "I found nothing"),
        (outcome(None, is_error=True), "I cannot search at the moment"),
        (outcome({"chunks": 3}), "I cannot search at the moment"),
        (Answer(problem(403, "forbidden", "<at>all</at> no"), 403), "no"),
    ],
)
async def test_where_nothing_comes_it_says_so(platform: ScriptedPlatform, answer: Answer, said: str) -> None:
    platform.on("POST", SEARCH, answer)
    given = await found(platform)
    assert given["type"] == "message"
    assert said in given["text"]
    assert "<at>" not in given["text"]


async def test_an_empty_search_asks_nobody(platform: ScriptedPlatform) -> None:
    value = {"commandId": "searchDocuments", "parameters": [{"name": "initialRun", "value": "true"}]}
    assert (await found(platform, value))["type"] == "message"
    assert platform.requests("POST", SEARCH) == []


def test_a_message_is_read_as_text() -> None:
    html = "<div>One &lt;b&gt;<p>two <a href='https://evil.example'>link</a></p>&nbsp;three<script>x()</script></div>"
    assert text_of(html).split("\n")[0] == "One <b>"
    assert "evil.example" not in text_of(html)
    assert "x()" not in text_of(html)
