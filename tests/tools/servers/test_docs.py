"""The docs server by itself: who it answers, what it refuses, and that answers fit their schema."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4, uuid5

import httpx
import jsonschema_rs
import pytest
from redis.asyncio import Redis

from access.jwks import TrustedKeys
from access.principal import Principal, TurnLimits
from access.tokens import Minter, SigningKey
from kit.clock import SystemClock
from kit.wire import mcp
from knowledge.index import Index
from knowledge.search import Search
from tests.tools.world import FINANCE, MAYA, OPERATIONS, ORGANISATION, SHARED, TOM, HashedWords, served
from tools.servers.docs.server import SHAPES, build_docs_server

CLIENT = {"name": "tests", "version": "1"}


@dataclass
class Docs:
    url: str
    gateway: Minter
    platform: Minter
    http: httpx.AsyncClient

    async def ask(self, method: str, params: dict[str, Any], **headers: str) -> httpx.Response:
        body = mcp.request(method, mcp.stateless_params(params, CLIENT))
        sent = mcp.stateless_headers(method, params.get("name")) | headers
        return await self.http.post(self.url, content=body, headers=sent)

    async def call(self, principal: Principal, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        token = self.gateway.mint(principal, "server:docs")
        params = {"name": name, "arguments": arguments}
        return (await self.ask("tools/call", params, authorization=f"Bearer {token}")).json()["result"]


@pytest.fixture
async def docs(redis: Redis, index: Index) -> AsyncIterator[Docs]:
    keys = {"gateway": SigningKey.generate(), "platform": SigningKey.generate()}
    trusted = TrustedKeys()
    for issuer, key in keys.items():
        trusted.replace(issuer, key.jwks())
    app = build_docs_server(Search(index, HashedWords()), index, trusted, redis, SystemClock())
    minters = {issuer: Minter(key, issuer, SystemClock()) for issuer, key in keys.items()}
    async with served(app) as url, httpx.AsyncClient(trust_env=False, verify=False) as http:
        yield Docs(f"{url}/mcp", minters["gateway"], minters["platform"], http)


def texts(result: dict[str, Any]) -> set[str]:
    return {chunk["content"] for chunk in result["structuredContent"]["chunks"]}


async def test_an_answer_fits_its_schema_and_comes_as_text_too(docs: Docs) -> None:
    result = await docs.call(MAYA, "docs.search", {"query": "annual leave"})

    schema = SHAPES[0].definition()["outputSchema"]
    jsonschema_rs.validator_for(schema, validate_formats=True).validate(result["structuredContent"])
    assert json.loads(result["content"][0]["text"]) == result["structuredContent"]
    assert result["resultType"] == "complete"
    [chunk] = [c for c in result["structuredContent"]["chunks"] if c["content"] == SHARED.chunk.text]
    assert chunk["metadata"]["source_url"] == "https://example.test/leave#leave"
    assert "etag" not in chunk["metadata"]


async def test_the_tokens_limits_narrow_what_is_searched(docs: Docs) -> None:
    chosen = frozenset({uuid5(ORGANISATION, "kb-operations")})
    narrowed = MAYA.limited(TurnLimits(knowledge_base_ids=chosen))
    in_public = MAYA.limited(TurnLimits(audience="everyone_here"))
    nothing = MAYA.limited(TurnLimits(knowledge_base_ids=frozenset()))

    expected = ((narrowed, {OPERATIONS.chunk.text}), (in_public, {SHARED.chunk.text}), (nothing, set[str]()))
    for principal, contents in expected:
        assert texts(await docs.call(principal, "docs.search", {"query": "annual leave"})) == contents


async def test_a_chunk_of_another_department_verifies_nothing(docs: Docs) -> None:
    sentence = FINANCE.chunk.text
    asked = {"sentences": [sentence], "chunks": [str(FINANCE.chunk.chunk_id), str(uuid4())]}

    mine = await docs.call(TOM, "verify.quote", asked)
    theirs = await docs.call(MAYA, "verify.quote", asked)

    assert mine["structuredContent"]["citations"][0]["quote"] == sentence
    assert mine["structuredContent"]["citations"][0]["confidence"] >= 0.85
    assert theirs["structuredContent"]["unverified_sentences"] == [sentence]
    schema = SHAPES[1].definition()["outputSchema"]
    jsonschema_rs.validator_for(schema, validate_formats=True).validate(mine["structuredContent"])


@pytest.mark.parametrize(
    ("name", "arguments", "field"),
    [
        ("docs.search", {}, "query"),
        ("docs.search", {"query": "x", "top_k": 51}, "top_k"),
        ("docs.search", {"query": "x", "organisation_id": "secret"}, "organisation_id"),
        ("docs.search", {"query": "x", "filters": {"secret": 1}}, "filters.secret"),
        ("docs.search", {"query": "secret" * 400}, "query"),
        ("verify.quote", {"sentences": [], "chunks": ["secret"]}, "chunks.0"),
        ("verify.quote", {"sentences": ["x"], "chunks": [str(uuid4())], "threshold": 2}, "threshold"),
    ],
)
@pytest.mark.proves("TOOLS-001")
async def test_arguments_that_do_not_fit_are_a_tool_error_with_a_hint(
    docs: Docs, name: str, arguments: dict[str, Any], field: str
) -> None:
    result = await docs.call(MAYA, name, arguments)

    assert result["isError"] is True
    assert field in result["content"][0]["text"]
    assert result["_meta"][mcp.ERROR_META]["code"] == "invalid"
    assert result["_meta"][mcp.ERROR_META]["hint"] in result["content"][0]["text"]
    assert "secret" not in result["content"][0]["text"].replace("filters.secret", "")


async def test_an_unknown_tool_is_a_protocol_error(docs: Docs) -> None:
    token = docs.gateway.mint(MAYA, "server:docs")
    response = await docs.ask("tools/call", {"name": "docs.drop"}, authorization=f"Bearer {token}")

    assert response.json()["error"]["code"] == mcp.INVALID_PARAMS


@pytest.mark.proves("TOOLS-003")
async def test_only_the_gateway_is_answered(docs: Docs) -> None:
    tokens = [
        "",
        "Bearer nonsense",
        f"Bearer {docs.platform.mint(MAYA, 'server:docs')}",
        f"Bearer {docs.gateway.mint(MAYA, 'server:other')}",
        f"Bearer {docs.gateway.mint(MAYA, 'gateway')}",
    ]
    for authorization in tokens:
        response = await docs.ask("tools/list", {}, authorization=authorization)
        assert response.status_code == 401
        assert response.headers["www-authenticate"].startswith("Bearer")


async def test_older_revisions_are_the_gateways_business(docs: Docs) -> None:
    token = docs.gateway.mint(MAYA, "server:docs")
    for revision in ("2025-11-25", ""):
        response = await docs.ask(
            "tools/list", {}, authorization=f"Bearer {token}", **{mcp.REVISION_HEADER: revision}
        )
        assert response.json()["error"]["code"] == mcp.UNSUPPORTED_REVISION
