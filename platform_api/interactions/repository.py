"""Reads and writes of interactions. Every read for a person starts from the principal."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, delete, false, literal, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import Text, Uuid

from access.principal import Principal
from kit.wire.interactions import AskedOf, Status
from platform_api.edge import PageRequest, keyset
from platform_api.interactions.models import InteractionRow

DECIDES = "manage_tools"
"""May be the second person where no roles are named."""
_OPEN_FIRST = timedelta(days=365_000)
_Row = InteractionRow


def mine(principal: Principal) -> ColumnElement[bool]:
    """Asked for this person, under a credential that could no more than this one can: a key of few scopes
    neither reads nor answers what its owner's full session was asked."""
    return and_(
        _Row.organisation_id == principal.organisation_id,
        _Row.user_id == principal.id,
        _Row.permissions.contained_by(_texts(principal.permissions)),
        _Row.roles.contained_by(_texts(principal.roles)),
    )


def to_decide(principal: Principal) -> ColumnElement[bool]:
    """Asked for somebody else of the organisation, of a second person that this one may be."""
    if principal.kind != "user":
        return false()
    unnamed = and_(_Row.approvers == _texts(()), literal(principal.may(DECIDES)))
    return and_(
        _Row.organisation_id == principal.organisation_id,
        _Row.asked_of == "second_person",
        _Row.user_id != principal.id,
        or_(unnamed, _Row.approvers.overlap(_texts(principal.roles))),
    )


def visible(principal: Principal) -> Select[InteractionRow]:
    return select(_Row).where(or_(mine(principal), to_decide(principal)))


async def find(db: AsyncSession, principal: Principal, interaction_id: UUID) -> InteractionRow | None:
    """As it is now, also where this session has read it before."""
    statement = visible(principal).where(_Row.id == interaction_id)
    return await db.scalar(statement.execution_options(populate_existing=True))


async def page(
    db: AsyncSession,
    principal: Principal,
    request: PageRequest,
    now: datetime,
    *,
    status: Status | None,
    asked_of: AskedOf | None,
) -> Sequence[tuple[InteractionRow, datetime]]:
    """Each with its place in the list: open ones first, then newest first."""
    open_now = and_(_Row.status == "open", _Row.expires_at > now)
    rank = case((open_now, _Row.created_at + _OPEN_FIRST), else_=_Row.created_at)
    statement: Select[Any] = cast(Any, select(_Row, rank))
    chosen = statement.where(_whose(principal, asked_of), *_in_state(status, now))
    rows: Sequence[Any] = (await db.execute(keyset(chosen, request, rank, _Row.id))).all()
    return [(row[0], row[1]) for row in rows]


def _whose(principal: Principal, asked_of: AskedOf | None) -> ColumnElement[bool]:
    if asked_of == "second_person":
        return to_decide(principal)
    return and_(mine(principal), _Row.asked_of == "me") if asked_of == "me" else mine(principal)


def _in_state(status: Status | None, now: datetime) -> tuple[ColumnElement[bool], ...]:
    if status == "open":
        return (_Row.status == "open", _Row.expires_at > now)
    if status == "expired":
        return (or_(_Row.status == "expired", and_(_Row.status == "open", _Row.expires_at <= now)),)
    return (_Row.status == status,) if status else ()


async def end(
    db: AsyncSession, principal: Principal, interaction_id: UUID, now: datetime, **values: Any
) -> bool:
    """Where it is still open, and not too late: the one moment at which an interaction ends by hand."""
    statement = (
        update(_Row)
        .where(
            or_(mine(principal), to_decide(principal)),
            _Row.id == interaction_id,
            _Row.status == "open",
            _Row.expires_at > now,
        )
        .values(ended_at=now, **values)
        .returning(_Row.id)
        .execution_options(synchronize_session=False)
    )
    return await db.scalar(statement) is not None


async def adoptable(db: AsyncSession, principal: Principal, interaction_id: UUID) -> InteractionRow | None:
    """What the gateway has opened for this person's call, that no turn waits for yet; locked."""
    statement = select(_Row).where(mine(principal), _Row.id == interaction_id, _Row.awaited.is_(False))
    return await db.scalar(statement.with_for_update().execution_options(populate_existing=True))


async def connecting(
    db: AsyncSession, organisation_id: UUID, user_id: UUID, server: str, now: datetime
) -> Sequence[InteractionRow]:
    """What this person is asked to open for this server, still open; locked."""
    statement = select(_Row).where(
        _Row.organisation_id == organisation_id,
        _Row.user_id == user_id,
        _Row.connects == server,
        _Row.awaited.is_(True),
        _Row.status == "open",
        _Row.expires_at > now,
    )
    return (await db.scalars(statement.order_by(_Row.id).with_for_update())).all()


async def expire(db: AsyncSession, now: datetime, limit: int) -> Sequence[InteractionRow]:
    """Ends what nobody answered in time; what waited is forgotten. Several may run at once."""
    due = (
        select(_Row.id)
        .where(_Row.status == "open", _Row.expires_at <= now)
        .order_by(_Row.expires_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    statement = (
        update(_Row)
        .where(_Row.id.in_(due.scalar_subquery()))
        .values(status="expired", ended_at=now, waiting=None)
        .returning(_Row)
        .execution_options(synchronize_session=False)
    )
    return (await db.scalars(statement)).all()


async def claim(
    db: AsyncSession, interaction_id: UUID, now: datetime, until: datetime
) -> InteractionRow | None:
    """For one who goes on with the answer until then; None where another one does, or has."""
    statement = (
        update(_Row)
        .where(_Row.id == interaction_id, *unheard(), _free(now))
        .values(hearing_until=until, hearings=_Row.hearings + 1)
        .returning(_Row)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    return await db.scalar(statement)


async def waiting_to_be_heard(db: AsyncSession, now: datetime, limit: int) -> Sequence[UUID]:
    statement = select(_Row.id).where(*unheard(), _free(now)).order_by(_Row.ended_at).limit(limit)
    return (await db.scalars(statement)).all()


def unheard() -> tuple[ColumnElement[bool], ...]:
    return (_Row.awaited.is_(True), _Row.status == "answered", _Row.heard_at.is_(None))


def _free(now: datetime) -> ColumnElement[bool]:
    return or_(_Row.hearing_until.is_(None), _Row.hearing_until <= now)


async def hold(db: AsyncSession, interaction_id: UUID, hearing: int, **values: Any) -> None:
    """Where this hearing (the how many-th) is still the last one."""
    statement = (
        update(_Row)
        .where(_Row.id == interaction_id, _Row.hearings == hearing, *unheard())
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    await db.execute(statement)


async def keep_result(db: AsyncSession, interaction_id: UUID, sealed: str) -> None:
    statement = update(_Row).where(_Row.id == interaction_id, _Row.status == "answered").values(result=sealed)
    await db.execute(statement.execution_options(synchronize_session=False))


async def forget(db: AsyncSession, contents_before: datetime, rows_before: datetime) -> None:
    """What was asked, answered and found out goes first, then that it was asked at all."""
    over = (_Row.ended_at < contents_before, or_(_Row.heard_at.is_not(None), ~and_(*unheard())))
    held = or_(_Row.questions.is_not(None), _Row.answer.is_not(None), _Row.result.is_not(None))
    statement = update(_Row).where(*over, held)
    emptied = statement.values(questions=None, waiting=None, answer=None, result=None)
    await db.execute(emptied.execution_options(synchronize_session=False))
    gone = delete(_Row).where(_Row.ended_at < rows_before)
    await db.execute(gone.execution_options(synchronize_session=False))


def _texts(values: Iterable[str]) -> ColumnElement[Any]:
    return literal(sorted(values), ARRAY(Text))


def next_turn(turn_id: UUID) -> ColumnElement[UUID | None]:
    """The id of the turn that will go on, where a conversation waits."""
    waits = and_(_Row.awaited, _Row.session_id.is_not(None))
    return case((waits, literal(turn_id, Uuid)), else_=literal(None, Uuid))
