"""What a stream of a GET says, kept for a client that lost it and comes back (`Last-Event-ID`).

MCP 2025-03-26 to 2025-11-25, "Resumability and Redelivery". A client that leaves gives its place back, and
is listened for some time longer; when it comes back, at whatever replica, what was heard meanwhile is handed
over to its new stream, once. Whatever stands in the way (the replica died, Redis was away, too much was
said, its rights are others now) leaves an event that is not known any more: then the client is told that
everything may have changed.
"""

import secrets
from collections.abc import Callable

from tools.gateway.protocol.kept_streams import KeptStream, KeptStreams, Whose

NOTICE = "notice-"
"""Begins the ids of a listener's events, which those of a call's stream do not."""


class NoticeStream:
    """One that is written here. `hang_up`: ends the listening, after what was heard is told."""

    def __init__(self, streams: KeptStreams, whose: Whose, hang_up: Callable[[], None]) -> None:
        self._streams = streams
        self._whose = whose
        self._hang_up = hang_up
        self._stays = False
        self._handed_over = False
        self._kept = self._begun()

    async def keep(self, message: bytes, *, last: bool = False) -> str:
        """The event's id; one that nothing follows where it could not be kept."""
        kept = self._kept
        if kept is None or (last and not self._handed_over):
            # heard no longer, and nobody else listens yet: there must be no end that looks whole
            return NOTICE + secrets.token_hex(8)
        return NOTICE + (await kept.keep(message, last=last) or secrets.token_hex(8))

    async def go_on(self) -> None:
        """From time to time: nothing may have been said for long, or could not be kept."""
        if self._kept is not None and not await self._kept.lengthen():
            self._kept.close()
            self._kept = self._begun()

    async def until_given_up(self) -> None:
        """At once: the request of a GET ends with its client, whoever goes on for it."""

    def stays(self) -> bool:
        """The client left. True: it is kept on, until `end`."""
        self._stays = self._kept is not None and not self._kept.broken
        return self._stays

    async def end(self) -> None:
        """After `stays`."""
        self._stays = False
        if self._handed_over:
            await self.keep(b"", last=True)
        self.close()

    def close(self) -> None:
        if self._kept is not None and not self._stays:
            self._kept.close()

    def _begun(self) -> KeptStream | None:
        made = self._streams.begin(self._whose, 0)
        if made is not None:
            made.hand_over = self._hand_over
        return made

    def _hand_over(self) -> None:
        self._handed_over = True
        self._hang_up()
