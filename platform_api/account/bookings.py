"""What comes of a booking after the person was told that it was still open: said in their channels."""

from typing import Any, Final

from kit.clock import Clock
from kit.wire.contact import FINISHED, BookingFinished
from platform_api.channels.service import deliver
from ports.db import Database
from ports.queue.tasks import Handler

BOOKING: Final = FINISHED
"""Payload {booking_id, what, text}: `text` is the tool's own sentences, plain text, never markup."""


def booking_heard(database: Database, clock: Clock) -> Handler:
    """The handler of `booking.finished`: to that person's own links, and to nobody else's. A report that
    comes again is told once."""

    async def hear(told: dict[str, Any]) -> None:
        ended = BookingFinished.model_validate(told["data"])
        payload = {"booking_id": str(ended.booking_id), "what": ended.what, "text": ended.summary}
        about = f"{ended.booking_id}:{ended.what}:{told['at']}"
        whose = (ended.organisation_id, ended.user_id)
        async with database.begin() as session:
            await deliver(session, clock, *whose, kind=BOOKING, about=about, payload=payload)

    return hear
