"""What ships with this release is what the code says (SPEC 9)."""

import json

import pytest

from kit.wire.mcp import definition_hash
from kit.wire.search import SearchRequest, SearchResult, VerifyRequest, VerifyResult
from kit.wire.tools import RegisteredServer
from tools.servers.docs.server import SHAPES
from tools.servers.generate import RELEASE, rendered
from tools.servers.shapes import Manifest, registered


@pytest.mark.proves("TOOLS-002")
def test_the_release_file_is_fresh() -> None:
    assert RELEASE.read_text() == rendered(), "Run: python -m tools.servers.generate"


def test_every_hash_is_that_of_its_definition() -> None:
    for server in json.loads(RELEASE.read_text()):
        for tool in RegisteredServer(address="inproc:x", **server).tools:
            assert tool.definition_hash == definition_hash(tool.definition)


def test_a_hash_sees_what_a_model_sees_and_nothing_else() -> None:
    shape = SHAPES[0].definition()

    assert definition_hash(shape | {"icons": [], "_meta": {}}) == definition_hash(shape)
    assert definition_hash(shape | {"description": "Else."}) != definition_hash(shape)


def test_a_manifest_that_forgets_a_tool_is_refused() -> None:
    manifest = Manifest("docs", "Documents", "1", "knowledge", "server:docs", {"docs.search": {}})

    with pytest.raises(ValueError, match=r"verify\.quote"):
        registered(manifest, SHAPES)


@pytest.mark.proves("TOOLS-001")
def test_the_schemas_hold_the_contracted_fields() -> None:
    search, verify = (shape.definition() for shape in SHAPES)

    assert set(search["inputSchema"]["properties"]) == set(SearchRequest.model_fields)
    assert set(search["inputSchema"]["properties"]) == {"query", "service_scope", "top_k", "filters"}
    assert set(search["outputSchema"]["properties"]) == set(SearchResult.model_fields)
    assert set(verify["inputSchema"]["properties"]) == set(VerifyRequest.model_fields)
    assert set(verify["outputSchema"]["properties"]) == set(VerifyResult.model_fields)
    assert search["inputSchema"]["additionalProperties"] is False
    assert search["inputSchema"]["properties"]["top_k"] == {
        "default": 12,
        "maximum": 50,
        "minimum": 1,
        "type": "integer",
    }
