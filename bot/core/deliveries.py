"""Messages that the platform starts: claimed, shown, acknowledged (SPEC 3)."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal

import structlog
from switchboard_sdk import ApiError, Switchboard

from kit.wire.channels import ChannelName, Delivery

log = structlog.get_logger()
Outcome = Literal["delivered", "failed", "gone"]
Show = Callable[[Delivery], Awaitable[Outcome]]
CLAIMED, LEASE_S, WAIT_S = 10, 60, 20.0
_AWAY_S = 5.0


async def deliver(switchboard: Switchboard, channel: ChannelName, show: Show) -> None:
    """Until cancelled. What `show` cannot show comes again later; a platform that is away is waited for."""
    while True:
        try:
            claimed = await switchboard.deliveries.claim(
                channel, limit=CLAIMED, lease_s=LEASE_S, wait_s=WAIT_S
            )
        except ApiError as error:
            log.warning("bot.deliveries_away", code=error.problem.code)
            await asyncio.sleep(_AWAY_S)
            continue
        await asyncio.gather(*(_delivered(switchboard, show, one) for one in claimed))


async def _delivered(switchboard: Switchboard, show: Show, delivery: Delivery) -> None:
    outcome: Outcome = "failed"
    try:
        async with asyncio.timeout(LEASE_S - 5):
            outcome = await show(delivery)
    except Exception as error:
        log.warning("bot.delivery_broke", kind=delivery.kind, error=type(error).__name__)
    try:
        await switchboard.deliveries.acknowledge(delivery, outcome)
    except ApiError as error:
        log.warning("bot.delivery_not_acknowledged", code=error.problem.code)
