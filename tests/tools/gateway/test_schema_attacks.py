"""Schemas that a stranger wrote stop no gateway."""

from typing import Any

import pytest

from kit.wire.mcp import definition_hash
from kit.wire.tools import RegisteredTool, Registry
from tests.tools.gateway.links import Inner, call_of
from tests.tools.upstreams import definition, server, tool
from tests.tools.world import MAYA
from tools.gateway.catalogue import Catalogue, compiled
from tools.gateway.wrappers.validate import InvalidArguments, validated


def with_schema(name: str, schema: dict[str, Any]) -> RegisteredTool:
    defined = definition(name, inputSchema=schema)
    update = {"definition": defined, "definition_hash": definition_hash(defined)}
    return tool(name).model_copy(update=update)


def catalogue(*tools: RegisteredTool) -> Catalogue:
    return compiled(Registry(version="1", servers=[server(*tools)]))


@pytest.mark.proves("SEC-103")
@pytest.mark.parametrize("reference", ["http://127.0.0.1:9/schema", "file:///etc/hostname"])
def test_a_schema_that_leads_outside_is_left_out_alone(reference: str) -> None:
    bad = with_schema("echo.bad", {"type": "object", "properties": {"a": {"$ref": reference}}})
    assert set(catalogue(bad, tool()).tools) == {"echo.say"}


@pytest.mark.proves("SEC-103")
def test_a_schema_that_takes_for_ever_is_left_out_alone() -> None:
    steps = {f"s{at}": {"anyOf": [{"$ref": f"#/$defs/s{at + 1}"}] * 2} for at in range(40)}
    bad = with_schema("echo.bad", {"type": "object", "$ref": "#/$defs/s0", "$defs": {**steps, "s40": False}})
    assert set(catalogue(bad, tool()).tools) == {"echo.say"}


@pytest.mark.proves("SEC-103")
def test_deep_arguments_for_a_schema_in_itself_are_refused_at_once() -> None:
    schema = {"type": "object", "properties": {"a": {"$ref": "#"}}, "patternProperties": {"a": {"$ref": "#"}}}
    given = catalogue(with_schema("echo.say", schema)).tools["echo.say"]
    deep: Any = "not an object"
    for _ in range(60):
        deep = {"a": deep}
    with pytest.raises(InvalidArguments, match="not valid"):
        validated(Inner())(call_of(MAYA, given, deep))
