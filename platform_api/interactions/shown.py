"""An interaction as one of those who may see it sees it."""

from datetime import datetime
from typing import cast

import structlog

from access.principal import Principal
from kit.sealing import SealBroken
from kit.wire.interactions import Form, Interaction, Status
from platform_api.interactions.models import InteractionRow
from platform_api.interactions.sealed import Seals

log = structlog.get_logger()


def status_of(row: InteractionRow, now: datetime) -> Status:
    """What is over reads as expired at once, whenever the sweep comes."""
    overdue = row.status == "open" and row.expires_at <= now
    return "expired" if overdue else cast(Status, row.status)


def shown(row: InteractionRow, principal: Principal, seals: Seals, now: datetime) -> Interaction:
    """Whoever decides for another sees what is asked, not the conversation nor what came of it."""
    mine = row.user_id == principal.id
    status = status_of(row, now)
    return Interaction.model_validate(
        {
            "id": row.id,
            "kind": row.kind,
            "status": status,
            "title": row.title,
            "forms": _forms(row, seals),
            "tool": row.tool,
            "session_id": row.session_id if mine else None,
            "turn_id": row.turn_id if mine else None,
            "continued_by": row.continued_by if mine else None,
            "asked_of": row.asked_of,
            "asked_by": row.asked_by,
            "mine_to_answer": status == "open" and mine == (row.asked_of == "me"),
            "created_at": row.created_at,
            "expires_at": row.expires_at,
            "answered_at": row.ended_at if row.status == "answered" else None,
            "outcome": row.outcome,
            "settled": status != "open" and not (mine and _goes_on(row)),
            "result": seals.result(row.id, row.result) if mine else None,
        }
    )


def _forms(row: InteractionRow, seals: Seals) -> list[Form]:
    """One that cannot be opened any more must not take the whole list with it."""
    try:
        return seals.forms(row.id, row.questions)
    except SealBroken:
        log.error("interactions.seal_broken", id=str(row.id))
        return []


def _goes_on(row: InteractionRow) -> bool:
    """A call by itself, answered: its result is still to come."""
    waits = row.status == "answered" and row.awaited and row.session_id is None
    return waits and row.result is None and row.heard_at is None
