"""J1, J3 and J4 through the public surfaces of the all-in-one (SPEC 1)."""

import html
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx2
import psutil
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from switchboard_sdk import ApiError
from switchboard_sdk.folders import files_in

from kit.wire.events import TERMINAL, TurnCompleted
from launch.child import running
from tests.e2e.conftest import HANDBOOK, Place, data_folder

pytestmark = [pytest.mark.timeout(240)]
MEALS = "How much is the meal allowance on a work trip?"
FINANCE_ONLY = "Which day does the month-end close take place?"


@asynccontextmanager
async def mcp_client(place: Place, person: str, mode: str) -> AsyncIterator[Client]:
    """The Python SDK's client, which nobody here wrote, with an API key."""
    headers = {"Authorization": f"Bearer {await place.key_of(person)}"}
    async with httpx2.AsyncClient(headers=headers, timeout=20, trust_env=False) as http:
        async with Client(streamable_http_client(f"{place.url}/mcp", http_client=http), mode=mode) as client:
            yield client


@pytest.mark.proves("PATH-001")
async def test_an_answer_is_streamed_and_each_citation_opens_its_source(place: Place) -> None:
    async with place.as_person("maya") as maya:
        events = [event async for event in maya.stream(MEALS)]
        final = events[-1]
        assert isinstance(final, TurnCompleted)
        assert final.outcome == "answered"
        assert final.citations
        for citation in final.citations:
            source = await maya.documents.content(citation.doc_id)
            page = html.unescape(source.data.decode())
            assert f'id="{citation.url.partition("#")[2]}"' in page
            assert citation.confidence >= 0.85
            assert citation.quote in page
    assert [event.type for event in events if event.type in TERMINAL] == ["turn.completed"]
    assert [event.seq for event in events] == list(range(1, len(events) + 1))


@pytest.mark.proves("PATH-001")
async def test_both_values_are_named_where_two_pages_disagree(place: Place) -> None:
    async with place.as_person("maya") as maya:
        answer = await maya.chat(MEALS)
    assert isinstance(answer, TurnCompleted)
    assert "68 AUD" in answer.text
    assert "72 AUD" in answer.text
    assert len({citation.doc_id for citation in answer.citations}) >= 2


@pytest.mark.proves("ANSWER-006")
@pytest.mark.parametrize(
    "question",
    [
        "What is the meal allowance for a full day on a work trip?",
        "how much meal allowance do i get per full day when i am on a work trip",
        "Meal allowance for each full day of a work trip, and who approves longer trips?",
    ],
)
async def test_the_conflicting_pair_is_named_whatever_the_wording(place: Place, question: str) -> None:
    async with place.as_person("maya") as maya:
        answer = await maya.chat(question)
    assert isinstance(answer, TurnCompleted)
    assert "The documents disagree on this:" in answer.text
    cited = {citation.title: citation.quote for citation in answer.citations}
    assert "68 AUD" in cited["Travel and expenses"]
    assert "72 AUD" in cited["Visiting other ports"]


@pytest.mark.proves("ANSWER-008")
@pytest.mark.parametrize(
    ("question", "holds", "held"),
    [
        ("Up to which price per night may a hotel be booked?", "215 AUD", "180 AUD"),
        ("Within how many days of the trip must I make the claim for expenses?", "30 days", "60 days"),
        ("How much was the meal allowance in the expenses guide 2024?", "", "61 AUD"),
    ],
)
async def test_where_an_outdated_page_differs_the_valid_one_comes_first_and_the_other_is_marked(
    place: Place, question: str, holds: str, held: str
) -> None:
    async with place.as_person("maya") as maya:
        answer = await maya.chat(question)
    assert isinstance(answer, TurnCompleted)
    assert holds in answer.text
    if held in answer.text:
        assert answer.text.index(holds) <= answer.text.index(held)
        assert "This document may be out of date." in answer.text


@pytest.mark.proves("PATH-002")
async def test_what_is_not_in_the_documents_is_not_answered(place: Place) -> None:
    async with place.as_person("maya") as maya:
        answer = await maya.chat("What is the boiling point of tungsten?")
    assert isinstance(answer, TurnCompleted)
    assert (answer.outcome, answer.citations) == ("not_found", [])
    assert "couldn't find" in answer.text


@pytest.mark.proves("PATH-003")
async def test_another_department_finds_and_opens_nothing(place: Place) -> None:
    async with place.as_person("tom") as tom:
        known = await tom.chat(FINANCE_ONLY)
    assert isinstance(known, TurnCompleted)
    assert known.citations
    async with place.as_person("maya") as maya:
        answer = await maya.chat(FINANCE_ONLY)
        assert isinstance(answer, TurnCompleted)
        secret = {citation.doc_id for citation in known.citations}
        assert secret.isdisjoint(citation.doc_id for citation in answer.citations)
        for document in secret:
            with pytest.raises(ApiError) as refused:
                await maya.documents.content(document)
            assert refused.value.problem.status == 404


@pytest.mark.proves("GATEWAY-002")
@pytest.mark.parametrize("mode", ["2026-07-28", "legacy"])
async def test_two_people_get_two_results_from_one_mcp_endpoint(place: Place, mode: str) -> None:
    async def titles(person: str) -> set[str]:
        async with mcp_client(place, person, mode) as client:
            assert "docs.search" in {tool.name for tool in (await client.list_tools()).tools}
            found: Any = await client.call_tool("docs.search", {"query": FINANCE_ONLY, "top_k": 5})
            return {chunk["metadata"]["page_title"] for chunk in found.structured_content["chunks"]}

    toms, mayas = await titles("tom"), await titles("maya")
    assert "Month-end" in " ".join(toms)
    assert "Month-end" not in " ".join(mayas)


@pytest.mark.proves("PATH-004")
async def test_a_second_run_over_the_same_folder_reads_nothing_again(place: Place) -> None:
    counts = await place.load_handbook()
    assert counts == {"unchanged": sum(counts.values())}


@pytest.mark.proves("PATH-005")
async def test_after_kill_9_of_everything_it_starts_again_and_answers() -> None:
    with data_folder() as data:
        async with running(data) as first:
            await Place(first).load_handbook()
            for pid in everything_below(first.pid):
                kill_9(pid)
        async with running(data) as second:
            async with Place(second).as_person("maya") as maya:
                answer = await maya.chat(MEALS)
            assert isinstance(answer, TurnCompleted)
            assert answer.outcome == "answered"
            assert await Place(second).load_handbook() == {"unchanged": len(files_in(HANDBOOK))}


def everything_below(pid: int) -> list[int]:
    """The process and all its children: the engines and their supervisors, too."""
    parent = psutil.Process(pid)
    return [pid, *(child.pid for child in parent.children(recursive=True))]


def kill_9(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
