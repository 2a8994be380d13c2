"""Schemas that strangers wrote do not stop whoever checks them."""

from typing import Any

import pytest

from kit.schemas import MOST, compiled_schema, effort, expanded


def doubling(times: int, keyword: str = "allOf") -> dict[str, Any]:
    steps = {
        f"s{at}": {keyword: [{"$ref": f"#/$defs/s{at + 1}"}, {"$ref": f"#/$defs/s{at + 1}"}]}
        for at in range(times)
    }
    return {"type": "object", "$ref": "#/$defs/s0", "$defs": {**steps, f"s{times}": {"minProperties": 0}}}


@pytest.mark.proves("SEC-103")
@pytest.mark.parametrize("keyword", ["allOf", "anyOf", "oneOf", "prefixItems"])
def test_a_schema_that_doubles_at_every_step_does_not_compile(keyword: str) -> None:
    with pytest.raises(ValueError, match="more often"):
        compiled_schema(doubling(40, keyword))


@pytest.mark.proves("SEC-103")
def test_neither_does_one_that_doubles_by_names() -> None:
    steps = {
        f"s{at}": {"$anchor": f"n{at}", "allOf": [{"$ref": f"#n{at + 1}"}, {"$ref": f"#n{at + 1}"}]}
        for at in range(40)
    }
    with pytest.raises(ValueError, match="more often"):
        compiled_schema({"$ref": "#n0", "$defs": {**steps, "end": {"$anchor": "n40"}}})


@pytest.mark.proves("SEC-103")
def test_a_ring_of_definitions_is_counted_through() -> None:
    schema = doubling(40)
    schema["$defs"]["s40"] = {"properties": {"again": {"$ref": "#/$defs/s0"}}}
    with pytest.raises(ValueError, match="more often"):
        compiled_schema(schema)


def test_what_honest_schemas_do_compiles() -> None:
    tree = {
        "type": "object",
        "properties": {
            "$ref": {"type": "string"},
            "default": {"type": "integer"},
            "children": {"type": "array", "items": {"$ref": "#"}},
            "kind": {"enum": [{"$ref": "#/nowhere"}, "leaf"], "default": {"$ref": "a value"}},
            "named": {"$ref": "#a.b"},
            "placed": {"$ref": "#/$defs/with%20space/properties/x"},
        },
        "$defs": {
            "one": {"$anchor": "a.b", "type": "string"},
            "with space": {"properties": {"x": {"type": "null"}}},
        },
    }
    checks = compiled_schema(tree)
    assert checks.is_valid({"children": [{"children": []}], "named": "x", "placed": None, "default": 1})
    assert not checks.is_valid({"children": [{"default": "one"}]})
    assert expanded(tree) < 40


@pytest.mark.parametrize("reference", ["http://127.0.0.1:9/x", "file:///etc/passwd", "#/nowhere", "other"])
def test_what_leads_outside_does_not_compile(reference: str) -> None:
    with pytest.raises(ValueError, match=r"outside|nowhere"):
        compiled_schema({"properties": {"a": {"$ref": reference}}})


def test_a_thousand_uses_of_one_definition_compile() -> None:
    used = {f"p{at}": {"$ref": "#/$defs/date"} for at in range(1000)}
    schema = {"properties": used, "$defs": {"date": {"type": "string", "format": "date"}}}
    assert expanded(schema) < MOST
    assert compiled_schema(schema).is_valid({"p1": "2026-07-28"})


@pytest.mark.proves("SEC-103")
def test_what_is_in_itself_twice_is_not_explained_at_depth() -> None:
    twice = {"properties": {"a": {"$ref": "#"}}, "patternProperties": {"a": {"$ref": "#"}}}
    assert effort(twice, 2) < 100
    assert effort(twice, 12) > 100_000


def test_what_is_in_itself_once_or_never_is_explained_at_any_depth() -> None:
    once = {"properties": {"children": {"items": {"$ref": "#"}}}}
    never: dict[str, Any] = {
        "properties": {name: {"$ref": "#/$defs/x"} for name in "abc"},
        "$defs": {"x": {}},
    }
    assert effort(once, 12) == expanded(once)
    assert effort(never, 12) == expanded(never)
