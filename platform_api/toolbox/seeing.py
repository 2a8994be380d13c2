"""What a server lists, beside what is approved: pending, drifted, as approved, or of no use (SPEC 9)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import uuid4

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from kit.schemas import compiled_schema
from kit.wire.internal import ProbeProblem
from kit.wire.mcp import definition_hash
from kit.wire.tools import RELEASE
from platform_api.toolbox.errors import BadDefinition
from platform_api.toolbox.legible import shown
from platform_api.toolbox.models import RegisteredToolRow, SeenToolRow, ToolServerRow

_KEPT = ("name", "title", "description", "inputSchema", "outputSchema", "annotations")
"""What the hash pins; nothing else of a definition is kept, so nothing else reaches anybody."""
_NAME = re.compile(r"[A-Za-z0-9_./-]{1,128}")
_LARGEST = 64 * 1024
_LARGEST_WHOLE = 1024 * 1024
"""Of all that a server lists: each is read word by word, and shown."""
_DEEPEST = 64
_MOST_TOOLS = 500


@dataclass(frozen=True, slots=True)
class Listed:
    """A definition that could be approved."""

    name: str
    definition: dict[str, Any]
    hash: str


def usable(tool: Mapping[str, Any]) -> Listed:
    """Raises BadDefinition with what is wrong with it."""
    definition = {key: tool[key] for key in _KEPT if tool.get(key) is not None}
    name = definition.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BadDefinition(f"The name '{shown(str(name)[:80])}' has others than letters, digits and _./-.")
    _check_size(name, definition)
    for key in ("title", "description"):
        if not isinstance(definition.get(key, ""), str):
            raise BadDefinition(f"'{name}': its {key} is no text.")
    if not isinstance(definition.get("annotations", {}), dict):
        raise BadDefinition(f"'{name}': its annotations are no object.")
    _check_schema(name, "inputSchema", definition.get("inputSchema"))
    if "outputSchema" in definition:
        _check_schema(name, "outputSchema", definition["outputSchema"])
    return Listed(name, definition, definition_hash(definition))


def _check_size(name: str, definition: Mapping[str, Any]) -> None:
    if _depth(definition) > _DEEPEST:
        raise BadDefinition(f"'{name}': it is nested too deeply.")
    try:
        encoded = msgspec.json.encode(definition)
        encoded.decode()
    except (UnicodeError, msgspec.MsgspecError) as error:
        raise BadDefinition(f"'{name}': it holds text that is not Unicode.") from error
    if len(encoded) > _LARGEST:
        raise BadDefinition(f"'{name}': it is larger than {_LARGEST // 1024} KB.")
    if b"\\u0000" in encoded:
        # Postgres keeps none
        raise BadDefinition(f"'{name}': it holds a NUL character.")


def _depth(value: Any) -> int:
    deepest, waiting = 0, [(value, 1)]
    while waiting and deepest <= _DEEPEST:
        one, depth = waiting.pop()
        deepest = max(deepest, depth)
        inner: list[Any] = []
        if isinstance(one, dict):
            inner = list(cast(dict[Any, Any], one).values())
        elif isinstance(one, list):
            inner = cast(list[Any], one)
        waiting += [(item, depth + 1) for item in inner]
    return deepest


def _check_schema(name: str, which: str, schema: Any) -> None:
    if not isinstance(schema, dict) or cast(dict[str, Any], schema).get("type", "object") != "object":
        raise BadDefinition(f"'{name}': its {which} is not the schema of an object.")
    try:
        compiled_schema(schema)
    except ValueError as error:
        reason = f"'{name}': its {which} does not compile, or refers to something outside."
        raise BadDefinition(reason) from error


def sorted_out(tools: Sequence[Mapping[str, Any]]) -> tuple[list[Listed], list[ProbeProblem]]:
    """What could be approved, and what never can be, with the reason."""
    good: dict[str, Listed] = {}
    bad: list[ProbeProblem] = []
    left = _LARGEST_WHOLE
    for tool in tools[:_MOST_TOOLS]:
        try:
            listed = usable(tool)
        except BadDefinition as error:
            bad.append(ProbeProblem(code=error.code, detail=error.detail, hint=error.hint))
            continue
        if listed.name in good:
            bad.append(ProbeProblem(code=BadDefinition.code, detail=f"'{listed.name}' is listed twice."))
            continue
        left -= len(msgspec.json.encode(listed.definition))
        if left < 0:
            bad.append(ProbeProblem(code=BadDefinition.code, detail="The list is longer than 1 MB."))
            break
        good[listed.name] = listed
    if len(tools) > _MOST_TOOLS:
        bad.append(ProbeProblem(code=BadDefinition.code, detail=f"Only the first {_MOST_TOOLS} tools count."))
    return list(good.values()), bad


async def take_listing(
    session: AsyncSession, server: ToolServerRow, listed: Sequence[Listed], *, whole: bool, now: datetime
) -> list[tuple[str, bool]]:
    """Bring what is pending and what has drifted up to date. whole: what is not listed is gone.

    The caller holds the registry. (name, drifted) of each approved tool for which that has changed.
    """
    approved = {row.name: row for row in await _of(session, RegisteredToolRow, server)}
    seen = {row.name: row for row in await _of(session, SeenToolRow, server)}
    for tool in listed:
        own = approved.get(tool.name)
        if own is not None and own.definition_hash == tool.hash:
            await forget(session, seen.pop(tool.name, None))
        elif own is not None or server.approved_by != RELEASE:
            keep(session, server, own, seen.pop(tool.name, None), tool, now)
    if whole:
        for row in seen.values():
            await forget(session, row)
    hashes = {tool.name: tool.hash for tool in listed}
    server.looked_at = now
    return list(_drifts(approved, hashes, whole=whole, now=now))


def _drifts(
    approved: Mapping[str, RegisteredToolRow], listed: Mapping[str, str], *, whole: bool, now: datetime
) -> Iterator[tuple[str, bool]]:
    for name, row in approved.items():
        if name not in listed and not whole:
            continue
        drifted = listed.get(name) != row.definition_hash
        row.drift_heard_at = now
        if drifted != row.drifted:
            row.drifted = drifted
            yield name, drifted


def keep(  # noqa: PLR0917  the rows about one tool
    session: AsyncSession,
    server: ToolServerRow,
    approved: RegisteredToolRow | None,
    seen: SeenToolRow | None,
    tool: Listed,
    now: datetime,
) -> None:
    """What is listed instead of the approved one, or what waits for approval; a new form is not rejected."""
    if seen is not None and seen.definition_hash == tool.hash:
        return
    if seen is None:
        seen = SeenToolRow(
            id=approved.id if approved else uuid4(),
            organisation_id=server.organisation_id,
            server_id=server.id,
            name=tool.name,
        )
        session.add(seen)
    seen.definition, seen.definition_hash = tool.definition, tool.hash
    seen.rejected, seen.seen_at = False, now


async def forget(session: AsyncSession, seen: SeenToolRow | None) -> None:
    if seen is not None:
        await session.delete(seen)


async def _of(session: AsyncSession, row: Any, server: ToolServerRow) -> Sequence[Any]:
    return (await session.scalars(select(row).where(row.server_id == server.id))).all()
