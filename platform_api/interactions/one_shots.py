"""Permissions that count once: the gateway's, for approvals and resumptions (SPEC 3b). Fails closed."""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal
from access.tokens import principal_of
from kit.clock import Clock
from kit.errors import Invalid
from kit.wire.interactions import ConsumedOneShot, ConsumeOneShot, Form, OpenedOneShot, OpenOneShot
from platform_api import audit
from platform_api.interactions.forms import MESSAGE_LIMIT, schema_of
from platform_api.interactions.models import InteractionRow, OneShotRow
from platform_api.interactions.plain import exact, plain
from platform_api.interactions.service import Interactions
from platform_api.interactions.shown import status_of

GRACE_S: Final = 120.0
"""What was accepted in the last moment can still be used so long after the end of the question."""
KEPT_DAYS: Final = 30
KEY: Final = "approval"
_One = OneShotRow


class OneShots:
    def __init__(self, interactions: Interactions, clock: Clock) -> None:
        self._interactions = interactions
        self._clock = clock

    async def open(self, session: AsyncSession, request: OpenOneShot) -> OpenedOneShot:
        """An interaction that people see, and the permission that it may become.

        Raises Invalid, Unaskable.
        """
        principal = _person(request.claims)
        form = Form(
            key=KEY,
            message=plain(request.message, MESSAGE_LIMIT),
            requested_schema=schema_of(request.requested_schema),
            tool=request.tool,
            arguments=exact(request.arguments),
        )
        row = self._interactions.row(principal, request.kind, [form], request.tool, request.expires_s)
        if request.second_person:
            row.asked_of, row.approvers = "second_person", sorted(set(request.approvers))
        session.add(row)
        session.add(_one_shot(row.id, principal, request.digest, request.second_person, asked=True))
        about = {"interaction_id": str(row.id), "tool": request.tool, "asked_of": row.asked_of}
        await audit.record(session, principal, "interaction.asked", about)
        return OpenedOneShot(id=row.id, url=f"/api/v1/interactions/{row.id}", expires_at=row.expires_at)

    async def consume(
        self, session: AsyncSession, one_shot_id: UUID, request: ConsumeOneShot
    ) -> ConsumedOneShot:
        """True once at most, for the person, digest and interaction it was made for. Raises Invalid.

        An id that was never seen is what the caller accepted in the client itself; a second person's
        permission is never of that kind.
        """
        principal = _person(request.claims)
        known = await session.scalar(select(_One).where(_One.id == one_shot_id))
        if known is None and (request.second_person or request.opened):
            return _not("expired")
        if known is None:
            return await self._first_seen(session, principal, one_shot_id, request)
        if not _fits(known, principal, request) or known.consumed_at is not None:
            return _not("used")
        return await self._consume(session, known) if known.asked else _not("used")

    async def _first_seen(
        self, session: AsyncSession, principal: Principal, one_shot_id: UUID, request: ConsumeOneShot
    ) -> ConsumedOneShot:
        values = {
            "id": one_shot_id,
            "organisation_id": principal.organisation_id,
            "user_id": principal.id,
            "digest": request.digest,
            "asked": False,
            "second_person": False,
            "created_at": self._clock.now(),
            "consumed_at": self._clock.now(),
        }
        # A second one with the same id waits here for the first one's commit, and adds nothing.
        made = insert(_One).values(**values).on_conflict_do_nothing().returning(_One.id)
        if await session.scalar(made) is None:
            return _not("used")
        return ConsumedOneShot(consumed=True, action="accept")

    async def _consume(self, session: AsyncSession, known: OneShotRow) -> ConsumedOneShot:
        now = self._clock.now()
        row = await session.scalar(select(InteractionRow).where(InteractionRow.id == known.id))
        if row is None or now > row.expires_at + timedelta(seconds=GRACE_S):
            return _not("expired")
        status = status_of(row, now)
        if status != "answered":
            return _not("pending" if status == "open" else "expired")
        if row.outcome != "accept" or (known.second_person and row.answered_by == row.user_id):
            return _not("decline")
        taken = update(_One).where(_One.id == known.id, _One.consumed_at.is_(None)).values(consumed_at=now)
        once = taken.returning(_One.id).execution_options(synchronize_session=False)
        if await session.scalar(once) is None:
            return _not("used")
        return ConsumedOneShot(consumed=True, action="accept")


async def forget(session: AsyncSession, now: datetime) -> None:
    """Long after every state that could name one has expired: a forgotten id would count as new."""
    await session.execute(delete(_One).where(_One.created_at < now - timedelta(days=KEPT_DAYS)))


def _fits(known: OneShotRow, principal: Principal, request: ConsumeOneShot) -> bool:
    return (
        known.organisation_id == principal.organisation_id
        and known.user_id == principal.id
        and known.digest == request.digest
        and known.second_person == request.second_person
    )


def _one_shot(
    one_shot_id: UUID, principal: Principal, digest: str, second_person: bool, *, asked: bool
) -> OneShotRow:
    return OneShotRow(
        id=one_shot_id,
        organisation_id=principal.organisation_id,
        user_id=principal.id,
        digest=digest,
        asked=asked,
        second_person=second_person,
    )


def _not(action: Any) -> ConsumedOneShot:
    return ConsumedOneShot(consumed=False, action=action)


def _person(claims: dict[str, Any]) -> Principal:
    try:
        return principal_of(claims)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise Invalid("Field 'claims': these are not the claims of a token of ours.") from error
