"""Clients that nobody here wrote, of both eras, against the gateway on loopback (SPEC 9, J4)."""

import pytest
from mcp.shared.exceptions import MCPDeprecationWarning

from tests.tools.world import FINANCE, MAYA, OPERATIONS, SHARED, TOM, Gate

ERAS = pytest.mark.parametrize("mode", ["auto", "2026-07-28", "legacy"])


@ERAS
@pytest.mark.proves("GATEWAY-001")
async def test_a_client_lists_and_calls_the_tools(gate: Gate, mode: str) -> None:
    async with gate.client(MAYA, mode) as client:
        listed = await client.list_tools()
        found = await client.call_tool("docs.search", {"query": "How many days of annual leave?"})

    assert [tool.name for tool in listed.tools] == ["docs.search", "verify.quote"]
    assert not found.is_error
    assert found.structured_content["chunks"][0]["metadata"]["page_title"]


@ERAS
@pytest.mark.proves("GATEWAY-002")
async def test_people_of_two_departments_get_different_results(gate: Gate, mode: str) -> None:
    seen: dict[str, set[str]] = {}
    for principal in (MAYA, TOM):
        async with gate.client(principal, mode) as client:
            found = await client.call_tool("docs.search", {"query": "annual leave"})
            seen[principal.name] = {chunk["content"] for chunk in found.structured_content["chunks"]}

    assert seen == {
        "maya": {SHARED.chunk.text, OPERATIONS.chunk.text},
        "tom": {SHARED.chunk.text, FINANCE.chunk.text},
    }


@ERAS
async def test_one_server_has_an_endpoint_of_its_own(gate: Gate, mode: str) -> None:
    async with gate.client(MAYA, mode, "/servers/docs/mcp") as client:
        assert len((await client.list_tools()).tools) == 2
    async with gate.client(MAYA, mode, "/servers/elsewhere/mcp") as client:
        assert (await client.list_tools()).tools == []


async def test_the_newest_revision_is_agreed_on(gate: Gate) -> None:
    async with gate.client(MAYA) as client:
        assert client.session.protocol_version == "2026-07-28"
    async with gate.client(MAYA, "legacy") as client:
        assert client.session.protocol_version == "2025-11-25"
        with pytest.warns(MCPDeprecationWarning):
            await client.send_ping()


async def test_a_quote_is_verified_against_chunks_that_the_caller_may_open(gate: Gate) -> None:
    sentence = "Operations staff on night shift take 30 days of annual leave per year."
    asked = {"sentences": [sentence], "chunks": [str(OPERATIONS.chunk.chunk_id)]}
    async with gate.client(MAYA) as client:
        mine = await client.call_tool("verify.quote", asked)
    async with gate.client(TOM) as client:
        theirs = await client.call_tool("verify.quote", asked)

    assert mine.structured_content["verified"] == [True]
    assert mine.structured_content["citations"][0]["source_url"] == "https://example.test/night#leave"
    assert theirs.structured_content == {
        "verified": [False],
        "citations": [],
        "unverified_sentences": [sentence],
    }
