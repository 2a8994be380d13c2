"""Lists page by an opaque cursor over (time, id), newest first: stable while rows come and go."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import Depends, Query
from sqlalchemy import ColumnElement, Select, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from kit.wire.base import Page
from platform_api.edge.errors import BadCursor

Row = TypeVar("Row")
Item = TypeVar("Item")
Position = tuple[datetime, UUID]


@dataclass(frozen=True, slots=True)
class PageRequest:
    limit: int
    after: Position | None


def _page_request(
    limit: Annotated[int, Query(ge=1, le=100, description="How many at most.")] = 50,
    cursor: Annotated[
        str | None, Query(max_length=200, description="`next_cursor` of the page before.")
    ] = None,
) -> PageRequest:
    return PageRequest(limit, decode(cursor) if cursor else None)


PageQuery = Annotated[PageRequest, Depends(_page_request)]


def encode(position: Position) -> str:
    at, row_id = position
    return urlsafe_b64encode(json.dumps([at.isoformat(), row_id.hex]).encode()).rstrip(b"=").decode()


def decode(cursor: str) -> Position:
    """Raises BadCursor for anything that `encode` did not make."""
    try:
        at, row_id = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise ValueError("naive time")
        # In UTC, since the driver moves it there and a moment at the edge of time would fall off.
        return moment.astimezone(UTC), UUID(hex=row_id)
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as reason:
        raise BadCursor from reason


def keyset(
    statement: Select[Any],
    page: PageRequest,
    at: InstrumentedAttribute[datetime] | ColumnElement[datetime],
    row_id: InstrumentedAttribute[UUID] | ColumnElement[UUID],
) -> Select[Any]:
    """Newest first, from the cursor on; one row more than the limit tells whether there is a next page."""
    if page.after is not None:
        statement = statement.where(tuple_(at, row_id) < tuple_(*page.after))
    return statement.order_by(at.desc(), row_id.desc()).limit(page.limit + 1)


def page_of(
    rows: Sequence[Row],
    page: PageRequest,
    position: Callable[[Row], Position],
    show: Callable[[Row], Item],
) -> Page[Item]:
    """`rows` as fetched by `keyset`; `show` makes the wire shape of one."""
    shown = rows[: page.limit]
    more = len(rows) > page.limit
    return Page(
        items=[show(row) for row in shown],
        next_cursor=encode(position(shown[-1])) if more and shown else None,
    )
