"""Lists that page by cursor."""

from collections.abc import AsyncIterator
from typing import TypeVar

from kit.wire.base import Page, Wire
from switchboard_sdk.transport import Call, Transport

Item = TypeVar("Item", bound=Wire)


async def every(transport: Transport, item: type[Item], path: str) -> AsyncIterator[Item]:
    """All items of a list, page after page. Raises ApiError."""
    params: dict[str, str] = {}
    while True:
        page = await transport.read(Page[item], Call("GET", path, params=params))
        for entry in page.items:
            yield entry
        if not page.next_cursor:
            return
        params = {"cursor": page.next_cursor}
