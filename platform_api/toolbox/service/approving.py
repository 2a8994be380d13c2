"""Approval: a definition that a server lists becomes one that people may use (SPEC 9). All or nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal
from kit.wire.governance import Finding, PolicyChange
from kit.wire.mcp import definition_hash
from platform_api.audit import record
from platform_api.toolbox.checking import check_policy, check_requires, check_whole
from platform_api.toolbox.errors import (
    BadDefinition,
    ChangedMeanwhile,
    FindingsNotAccepted,
    NothingToApprove,
    OfTheRelease,
)
from platform_api.toolbox.legible import shown
from platform_api.toolbox.models import RegisteredToolRow, SeenToolRow, ToolServerRow
from platform_api.toolbox.policies import as_registered, changes_of, first_policy, with_changes
from platform_api.toolbox.registry import organisations_servers
from platform_api.toolbox.repository import ToolRows, policy_of
from platform_api.toolbox.scanning import is_severe, scan
from platform_api.toolbox.views import Surroundings

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Wanted:
    """One definition to approve. hash: of what the admin read; None: whatever is pending."""

    rows: ToolRows
    hash: str | None
    policies: Sequence[PolicyChange]
    """Later ones win."""


@dataclass(frozen=True, slots=True)
class Terms:
    accept_findings: str | None
    trust_annotations: bool
    now: datetime


async def approve(
    session: AsyncSession, principal: Principal, wanted: Sequence[Wanted], terms: Terms
) -> None:
    """The caller holds the registry. Raises, and then nothing of it is saved: OfTheRelease, NothingToApprove,
    ChangedMeanwhile, BadDefinition, FindingsNotAccepted, BadToolPolicy."""
    around = Surroundings(await organisations_servers(session, principal.organisation_id))
    found = {one.rows.name: _examined(one, around) for one in wanted}
    _check_findings(found, terms)
    for one in wanted:
        await _take(session, principal, one, terms, found[one.rows.name])
    await session.flush()
    changed = [(one.rows.server.name, one.rows.name) for one in wanted]
    check_requires(await organisations_servers(session, principal.organisation_id), changed)


def _examined(one: Wanted, around: Surroundings) -> list[Finding]:
    rows, name = one.rows, one.rows.name
    if rows.ours:
        raise OfTheRelease(f"The definition of '{name}' comes with the release.")
    if rows.seen is None:
        raise NothingToApprove(f"The server lists '{name}' as it is approved, or not at all.")
    if one.hash is None and rows.approved is not None:
        raise ChangedMeanwhile(f"'{name}' has changed: name the 'definition_hash' that you have read.")
    if one.hash is not None and one.hash != rows.seen.definition_hash:
        raise ChangedMeanwhile(f"The server lists another '{name}' by now.")
    if definition_hash(rows.seen.definition) != rows.seen.definition_hash:
        raise BadDefinition(f"'{name}': it holds numbers that JSON does not keep as they are.")
    return scan(rows.seen.definition, around.others(rows.server.name))


def _check_findings(found: Mapping[str, Sequence[Finding]], terms: Terms) -> None:
    severe = [(name, one) for name, findings in found.items() for one in findings if is_severe(one)]
    if severe and terms.accept_findings is None:
        told = " ".join(f"'{shown(name)}', {one.place}: {one.detail}" for name, one in severe[:_SHOWN])
        more = f" And {len(severe) - _SHOWN} more." if len(severe) > _SHOWN else ""
        raise FindingsNotAccepted(f"{told}{more}")


async def _take(
    session: AsyncSession, principal: Principal, one: Wanted, terms: Terms, findings: Sequence[Finding]
) -> None:
    rows = one.rows
    assert rows.seen is not None
    before = rows.approved.definition_hash if rows.approved else None
    trusted = terms.trust_annotations or rows.server.address.startswith("openapi:")
    rows.approved = _pinned(session, rows, rows.seen, first_policy(rows.seen.definition, trusted=trusted))
    rows.approved.approved_by, rows.approved.approved_at = f"user:{principal.id}", terms.now
    rows.approved.drift_heard_at = terms.now
    await session.delete(rows.seen)
    rows.seen = None
    changes = await _set_policy(session, principal, rows, one.policies)
    told = {
        "tool": rows.name,
        "server": rows.server.name,
        "before": before,
        "after": rows.approved.definition_hash,
        "policy": changes,
        "findings": [f"{found.severity} {found.kind} at {found.place}" for found in findings[:20]],
        "accepted_because": terms.accept_findings if any(map(is_severe, findings)) else None,
        "trusted_annotations": terms.trust_annotations,
    }
    await record(session, principal, "tool.approved", told)


def _pinned(
    session: AsyncSession, rows: ToolRows, seen: SeenToolRow, policy: Mapping[str, Any]
) -> RegisteredToolRow:
    row = rows.approved
    if row is None:
        row = RegisteredToolRow(
            id=seen.id, organisation_id=seen.organisation_id, server_id=seen.server_id, name=seen.name
        )
        session.add(row)
        row.groups, row.agents, row.channels, row.requires = [], [], [], []
        row.calls_per_min = row.approval = row.breaker = row.operation = None
        row.retries = 0
    for name, value in policy.items():
        setattr(row, name, value)
    row.definition, row.definition_hash, row.drifted = seen.definition, seen.definition_hash, False
    return row


async def _set_policy(
    session: AsyncSession, principal: Principal, rows: ToolRows, policies: Sequence[PolicyChange]
) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for policy in policies:
        check_policy(policy)
        named |= changes_of(policy)
    if named:
        row = await policy_of(session, principal, rows)
        row.changes = with_changes(row.changes, named)
        row.edition += 1
    assert rows.approved is not None
    check_whole(as_registered(rows.approved, rows.policy))
    return named


def pending(server: ToolServerRow, tools: Sequence[ToolRows]) -> list[ToolRows]:
    """What waits for approval. Raises OfTheRelease, NothingToApprove."""
    if any(rows.ours for rows in tools):
        raise OfTheRelease(f"The definitions of '{server.name}' come with the release.")
    waiting = [rows for rows in tools if rows.approved is None and rows.seen and not rows.seen.rejected]
    if not waiting:
        raise NothingToApprove
    return waiting
