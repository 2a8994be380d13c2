"""What a bot has begun and not yet ended, kept by the platform: a restart forgets no question (SPEC 1 J1).

`turn/<place>` stands while somebody waits for an end, `seen/<place>` for an hour after it: both change in one
commit. Where the platform cannot be reached for this, the bot goes on with its own memory.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast
from uuid import uuid4

import structlog
from switchboard_sdk import ApiError, Switchboard

from kit.wire.channels import STATE_STEPS, ChannelName, StateEntry, StateStep

log = structlog.get_logger()
Found = TypeVar("Found")
TURN, SEEN = "turn/", "seen/"
SEEN_S = 3600
KEPT_S = 86_400
BEAT_S = 20.0
ABANDONED = timedelta(seconds=70)
"""Longer than three beats: whoever had it does not live any more."""
_PATIENCE_S = 3.0
_TOLD_WITHIN_S = 60.0
"""How long the platform is told of an end: others take up what it has not heard of."""
_TOLD_EVERY_S = 2.0
_CLOSED_WITHIN_S = 10.0
_REMEMBERED = 20_000


@dataclass(slots=True)
class Begun:
    """One that is under way; `note` adds what is to be known after a restart."""

    place: str
    value: dict[str, Any]
    kept: bool
    """The platform holds it."""
    token: str = field(default_factory=lambda: uuid4().hex)
    """By which we know our own entry, should the answer to its beginning get lost."""


@dataclass(frozen=True, slots=True)
class _End:
    """What the platform is to hear; `until` (monotonic) it is told again."""

    place: str
    steps: tuple[StateStep, ...]
    until: float


class Unfinished:
    def __init__(self, switchboard: Switchboard, channel: ChannelName, name: str) -> None:
        self._state = switchboard.channel_state
        self._channel: ChannelName = channel
        self._name = name
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._open: dict[str, Begun] = {}
        self._telling: dict[str, asyncio.Task[None]] = {}
        self._untold: dict[str, _End] = {}

    async def begin(self, place: str, value: dict[str, Any]) -> Begun | None:
        """None: somebody has begun or ended it before."""
        if not self._remember(place):
            return None
        begun = Begun(place, value, kept=False)
        if await self._taken(begun):
            return None
        self._open[place] = begun
        return begun

    async def take_up(self, entry: StateEntry) -> Begun | None:
        """One that `abandoned` found; None: another replica was faster, or it has ended after all."""
        place = entry.key.removeprefix(TURN)
        self._remember(place)
        begun = Begun(place, dict(entry.value), kept=True)
        try:
            ended, _ = await self._state.together(
                self._channel, _look(place), self._written(begun, version=entry.version)
            )
        except ApiError as error:
            log.info("bot.not_taken_up", code=error.problem.code)
            return None
        if ended is not None:
            # A beat that was under way when it ended has written it once more.
            await self._quietly(self._state.remove(self._channel, entry.key))
            return None
        self._open[place] = begun
        return begun

    async def note(self, begun: Begun, **more: Any) -> None:
        begun.value |= more
        await self._kept([begun])

    async def end(self, begun: Begun, **known: Any) -> None:
        """It has its end and is not begun again for an hour; `known` is what `ended` answers. Returns at
        once: the platform is told for as long as it takes, up to a minute."""
        place = begun.place
        self._open.pop(place, None)
        seen = _put(SEEN + place, {"ended": True, **known}, SEEN_S)
        over = StateStep(do="remove", key=TURN + place)
        end = _End(place, (seen, over), time.monotonic() + _TOLD_WITHIN_S)
        self._telling[place] = telling = asyncio.create_task(self._told(end))
        telling.add_done_callback(lambda _: self._telling.pop(place, None))

    def leave(self, begun: Begun) -> None:
        """It has no end yet: somebody takes it up later, perhaps we."""
        self._open.pop(begun.place, None)
        self._seen.pop(begun.place, None)

    async def ended(self, place: str) -> dict[str, Any] | None:
        """What was known at its end; None: it has none, or not in the last hour."""
        if telling := self._telling.get(place):
            await asyncio.wait({telling}, timeout=_PATIENCE_S)
        entry = await self._quietly(self._state.get(self._channel, SEEN + place))
        return entry.value if entry is not None else None

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
                place = entry.key.removeprefix(TURN)
                if place in self._open or place in self._telling or place in self._untold:
                    continue
                mine = mine_too and _writer(entry).get("name") == self._name
                if mine or now - entry.updated_at > ABANDONED:
                    found.append(entry)
        return found

    async def settled(self) -> None:
        """Once the platform was told of every end; what it did not hear, it is told again later."""
        while self._telling:
            await asyncio.wait(set(self._telling.values()))

    @asynccontextmanager
    async def beating(self) -> AsyncGenerator[None]:
        """Meanwhile others see that we live, and the platform is told what it has not heard."""
        tasks = [asyncio.create_task(self._beat()), asyncio.create_task(self._tell_again())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            with suppress(TimeoutError):
                async with asyncio.timeout(_CLOSED_WITHIN_S):
                    await self.settled()
                    await asyncio.gather(*map(self._told, list(self._untold.values())))

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            under_way = list(self._open.values())
            for at in range(0, len(under_way), STATE_STEPS):
                still = [one for one in under_way[at : at + STATE_STEPS] if one.place in self._open]
                await self._kept(still)

    async def _taken(self, begun: Begun) -> bool:
        """Somebody else has it, or it has ended."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                ended, _ = await self._state.together(
                    self._channel, _look(begun.place), self._written(begun, version=0)
                )
        except ApiError as error:
            if error.problem.code == "state_changed":
                return not await self._is_ours(begun)
            log.warning("bot.state_away", code=error.problem.code)
            return False
        except TimeoutError:
            log.warning("bot.state_away", code="slow")
            return False
        begun.kept = True
        if ended is not None:
            await self._quietly(self._state.remove(self._channel, TURN + begun.place))
        return ended is not None

    async def _is_ours(self, begun: Begun) -> bool:
        """The first attempt was done, and its answer lost."""
        entry = await self._quietly(self._state.get(self._channel, TURN + begun.place))
        begun.kept = entry is not None and _writer(entry).get("token") == begun.token
        return begun.kept

    async def _kept(self, under_way: list[Begun]) -> None:
        if not under_way:
            return
        written = self._state.together(self._channel, *(self._written(one) for one in under_way))
        if await self._quietly(written) is not None:
            for one in under_way:
                one.kept = True

    async def _told(self, end: "_End") -> None:
        try:
            await self._state.together(self._channel, *end.steps)
        except ApiError as error:
            log.warning("bot.state_away", code=error.problem.code)
            self._untold[end.place] = end
        else:
            self._untold.pop(end.place, None)

    async def _tell_again(self) -> None:
        while True:
            await asyncio.sleep(_TOLD_EVERY_S)
            for end in list(self._untold.values()):
                if time.monotonic() > end.until:
                    del self._untold[end.place]
                else:
                    await self._told(end)

    def _written(self, begun: Begun, version: int | None = None) -> StateStep:
        value = {**begun.value, "by": {"name": self._name, "token": begun.token}}
        return _put(TURN + begun.place, value, KEPT_S, version)

    async def _quietly(self, work: Coroutine[Any, Any, Found]) -> Found | None:
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


def _writer(entry: StateEntry) -> dict[str, Any]:
    by = entry.value.get("by")
    return cast(dict[str, Any], by) if isinstance(by, dict) else {}


def _look(place: str) -> StateStep:
    return StateStep(do="get", key=SEEN + place)


def _put(key: str, value: dict[str, Any], expires_in_s: int, version: int | None = None) -> StateStep:
    return StateStep(do="put", key=key, value=value, version=version, expires_in_s=expires_in_s)
