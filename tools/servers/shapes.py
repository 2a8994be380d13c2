"""What a tool server says of itself: its tools' shapes, and its manifest beside them."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from kit.wire.base import Request, Wire
from kit.wire.mcp import definition_hash
from kit.wire.tools import RegisteredTool

APPROVED_BY = "release"


@dataclass(frozen=True, slots=True)
class ToolShape:
    """One tool as clients and models see it; `takes` refuses unknown fields."""

    name: str
    title: str
    description: str
    takes: type[Request]
    gives: type[Wire]
    read_only: bool = True

    def definition(self) -> dict[str, Any]:
        """The MCP tool object."""
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "inputSchema": _schema(self.takes),
            "outputSchema": _schema(self.gives),
            "annotations": {"readOnlyHint": self.read_only, "openWorldHint": False},
        }


@dataclass(frozen=True, slots=True)
class Manifest:
    """`manifest.toml`: who owns the server and what each of its tools may do, as tables."""

    name: str
    title: str
    version: str
    owner: str
    audience: str
    tools: Mapping[str, Mapping[str, Any]]


def read_manifest(folder: Path) -> Manifest:
    """Raises FileNotFoundError, tomllib.TOMLDecodeError or TypeError for one that is not right."""
    return Manifest(**tomllib.loads((folder / "manifest.toml").read_text()))


def registered(manifest: Manifest, shapes: Sequence[ToolShape]) -> list[RegisteredTool]:
    """The registry's rows: definition and hash from the code, policy from the manifest.

    Raises ValueError where the two do not name the same tools.
    """
    names = {shape.name for shape in shapes}
    if names != set(manifest.tools):
        raise ValueError(
            f"{manifest.name}: manifest and code differ in {sorted(names ^ set(manifest.tools))}."
            " Add the tool to the one that lacks it."
        )
    return [_row(shape, manifest.tools[shape.name]) for shape in shapes]


class _Untitled(GenerateJsonSchema):
    """Titles that only repeat the field's name cost a model tokens and say nothing."""

    def field_title_should_be_set(self, schema: object) -> bool:
        return False


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema(schema_generator=_Untitled)
    for part in (schema, *schema.get("$defs", {}).values()):
        part.pop("title", None)
        part.pop("description", None)  # the docstring, which speaks to us
    return schema


def _row(shape: ToolShape, policy: Mapping[str, Any]) -> RegisteredTool:
    definition = shape.definition()
    return RegisteredTool(
        name=shape.name,
        definition=definition,
        definition_hash=definition_hash(definition),
        approved_by=APPROVED_BY,
        **policy,
    )
