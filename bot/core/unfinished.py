"""What a bot has begun and not yet ended, kept by the platform: a restart forgets no question (SPEC 1 J1).

`turn/<place>` stands while somebody waits for an end, `seen/<place>` for an hour after it. Where the
platform cannot be reached for this, the bot goes on with its own memory.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from switchboard_sdk import ApiError, Switchboard

from kit.wire.channels import ChannelName, StateEntry

log = structlog.get_logger()
TURN, SEEN = "turn/", "seen/"
SEEN_S = 3600
KEPT_S = 86_400
BEAT_S = 20.0
ABANDONED = timedelta(seconds=70)
"""Longer than three beats: whoever had it does not live any more."""
_PATIENCE_S = 3.0
_REMEMBERED = 20_000


@dataclass(slots=True)
class Begun:
    """One that is under way; `note` adds what is to be known after a restart."""

    place: str
    value: dict[str, Any]
    kept: bool
    """The platform holds it."""


class Unfinished:
    def __init__(self, switchboard: Switchboard, channel: ChannelName, name: str) -> None:
        self._state = switchboard.channel_state
        self._channel: ChannelName = channel
        self._name = name
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._open: dict[str, Begun] = {}

    async def begin(self, place: str, value: dict[str, Any]) -> Begun | None:
        """None: somebody has begun or ended it before."""
        if not self._remember(place):
            return None
        return await self._begun(place, value)

    async def take_up(self, entry: StateEntry) -> Begun | None:
        """One that `abandoned` found; None: another replica was faster, or it has ended after all."""
        place = entry.key.removeprefix(TURN)
        self._remember(place)
        begun = Begun(place, dict(entry.value), kept=True)
        if await self.ended(place) is not None:
            # A beat that was under way when it ended has written it once more.
            await self._quietly(self._state.remove(self._channel, entry.key))
            return None
        try:
            await self._put(begun, version=entry.version)
        except ApiError as error:
            log.info("bot.not_taken_up", code=error.problem.code)
            return None
        self._open[place] = begun
        return begun

    async def note(self, begun: Begun, **more: Any) -> None:
        begun.value |= more
        await self._kept(begun)

    async def end(self, begun: Begun, **known: Any) -> None:
        """It has its end and is not begun again for an hour; `known` is what `ended` answers."""
        self._open.pop(begun.place, None)
        await self._quietly(
            self._state.put(self._channel, SEEN + begun.place, {"ended": True, **known}, expires_in_s=SEEN_S)
        )
        if begun.kept:
            await self._quietly(self._state.remove(self._channel, TURN + begun.place))

    def leave(self, begun: Begun) -> None:
        """It has no end yet: somebody takes it up later, perhaps we."""
        self._open.pop(begun.place, None)
        self._seen.pop(begun.place, None)

    async def ended(self, place: str) -> dict[str, Any] | None:
        """What was known at its end; None: it has none, or not in the last hour."""
        entry = await self._quietly(self._state.get(self._channel, SEEN + place))
        return entry.value if isinstance(entry, StateEntry) else None

    async def first(self, occasion: str, *, expires_s: int = SEEN_S) -> bool:
        """Whether this happens for the first time; also where nobody can know."""
        if not self._remember(occasion):
            return False
        put = self._state.put(self._channel, SEEN + occasion, {}, version=0, expires_in_s=expires_s)
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await put
        except ApiError as error:
            return error.problem.code != "state_changed"
        except TimeoutError:
            return True
        return True

    async def abandoned(self, now: datetime, *, mine_too: bool = False) -> list[StateEntry]:
        """What nobody works on. mine_too: also what stands under our own name, right after a start."""
        found: list[StateEntry] = []
        with suppress(ApiError):
            async for entry in self._state.all(self._channel, TURN):
                if entry.key.removeprefix(TURN) in self._open:
                    continue
                mine = mine_too and entry.value.get("by") == self._name
                if mine or now - entry.updated_at > ABANDONED:
                    found.append(entry)
        return found

    @asynccontextmanager
    async def beating(self) -> AsyncGenerator[None]:
        """Meanwhile others see that we live."""
        beat = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            beat.cancel()
            with suppress(asyncio.CancelledError):
                await beat

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            for begun in list(self._open.values()):
                if begun.place in self._open:
                    await self._kept(begun)

    async def _begun(self, place: str, value: dict[str, Any]) -> Begun | None:
        begun = Begun(place, value, kept=False)
        ended, taken = await asyncio.gather(self.ended(place), self._taken(begun))
        if taken:
            return None
        if ended is not None:
            if begun.kept:
                await self._quietly(self._state.remove(self._channel, TURN + place))
            return None
        self._open[place] = begun
        return begun

    async def _taken(self, begun: Begun) -> bool:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await self._put(begun, version=0)
        except ApiError as error:
            if error.problem.code == "state_changed":
                return True
            log.warning("bot.state_away", code=error.problem.code)
            return False
        except TimeoutError:
            log.warning("bot.state_away", code="slow")
            return False
        begun.kept = True
        return False

    async def _kept(self, begun: Begun) -> None:
        async def put() -> None:
            await self._put(begun)
            begun.kept = True

        await self._quietly(put())

    async def _put(self, begun: Begun, version: int | None = None) -> None:
        value = {**begun.value, "by": self._name}
        await self._state.put(self._channel, TURN + begun.place, value, version=version, expires_in_s=KEPT_S)

    async def _quietly(self, work: Any) -> Any:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                return await work
        except (ApiError, TimeoutError) as error:
            log.warning("bot.state_away", error=type(error).__name__)
            return None

    def _remember(self, place: str) -> bool:
        if place in self._seen:
            return False
        self._seen[place] = None
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return True
