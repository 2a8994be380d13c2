"""Lists that page by cursor."""

from collections.abc import AsyncIterator, Mapping
from typing import TypeVar

from kit.wire.base import Page, Wire
from switchboard_sdk.transport import Call, Transport

Item = TypeVar("Item", bound=Wire)


async def every(
    transport: Transport, item: type[Item], path: str, asked: Mapping[str, str] | None = None
) -> AsyncIterator[Item]:
    """All items of a list, page after page; `asked` goes with each. Raises ApiError."""
    params = dict(asked or {})
    while True:
        page = await transport.read(Page[item], Call("GET", path, params=params))
        for entry in page.items:
            yield entry
        if not page.next_cursor:
            return
        params["cursor"] = page.next_cursor
