"""From the spool to the platform, in order, until it is acknowledged (SPEC 3b).

A batch may arrive twice (a lost acknowledgement, a restart); the platform drops repeats by ULID.
"""

import asyncio
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import structlog
from prometheus_client import Counter

from kit.errors import SwitchboardError
from tools.gateway.platform import EventsRefused, PlatformLink
from tools.gateway.spool import Spool

BATCH = 200
_REFUSED = "refused.txt"
_log = structlog.get_logger()
_shipped = Counter("switchboard_gateway_spool_shipped_total", "Audit records that the platform has taken.")
_lost = Counter("switchboard_gateway_spool_unusable_total", "Records set aside: half written, or refused.")


class Shipper:
    """Sends what the spool holds; a platform that is down only makes it wait."""

    def __init__(self, spool: Spool, platform: PlatformLink, every_s: float) -> None:
        self._spool = spool
        self._platform = platform
        self._every_s = every_s

    async def run(self) -> None:
        while True:
            await self.ship()
            await asyncio.sleep(self._every_s)

    async def ship(self) -> bool:
        """Everything that is there now. False where the platform does not answer; never raises."""
        try:
            for segment in self._spool.closed_segments():
                await self._segment(segment)
        except (SwitchboardError, OSError) as error:
            _log.warning("gateway.spool_not_shipped", error=type(error).__name__)
            return False
        return True

    async def _segment(self, segment: Path) -> None:
        # read piece by piece: a segment may have grown for as long as the platform was away
        with segment.open("rb") as lines:
            while piece := await asyncio.to_thread(lambda: list(islice(lines, BATCH))):
                await self._send(_whole(piece), segment)
        self._spool.shipped(segment)

    async def _send(self, records: Sequence[bytes], segment: Path) -> None:
        """A batch that is refused is halved until the record at fault is alone; that one is set aside."""
        if not records:
            return
        try:
            await self._platform.events(records)
            _shipped.inc(len(records))
        except EventsRefused:
            if len(records) == 1:
                _set_aside(segment.with_name(_REFUSED), records[0])
                return
            middle = len(records) // 2
            await self._send(records[:middle], segment)
            await self._send(records[middle:], segment)


def _whole(lines: list[bytes]) -> list[bytes]:
    """Only the last line of a segment can be torn; it belongs to a call that was never answered."""
    if lines[-1].endswith(b"\n"):
        return lines
    _lost.inc()
    _log.warning("gateway.spool_record_half_written", bytes=len(lines[-1]))
    return lines[:-1]


def _set_aside(path: Path, record: bytes) -> None:
    _lost.inc()
    _log.error("gateway.audit_record_refused", file=str(path))
    with path.open("ab") as file:
        file.write(record)
