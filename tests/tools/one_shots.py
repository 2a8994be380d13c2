"""The platform's one-shots, held in memory: a twin of what platform_api/interactions serves (SPEC 3b, 5)."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from kit.clock import Clock, SystemClock
from kit.errors import Unavailable
from kit.wire.interactions import (
    Action,
    ConsumedOneShot,
    ConsumeOneShot,
    OpenedOneShot,
    OpenOneShot,
)


@dataclass
class Kept:
    who: tuple[str, str]
    digest: str
    second_person: bool
    until: datetime
    answer: Action | None = None
    used: bool = False


@dataclass
class OneShots:
    """`answer` is what a person does; `down` refuses everything."""

    clock: Clock = field(default_factory=SystemClock)
    opened: dict[str, OpenOneShot] = field(default_factory=dict[str, OpenOneShot])
    kept: dict[str, Kept] = field(default_factory=dict[str, Kept])
    down: bool = False
    consumed: int = 0

    async def open_one_shot(self, wanted: OpenOneShot) -> OpenedOneShot:
        self._up()
        id, until = uuid4(), self.clock.now() + timedelta(seconds=wanted.expires_s)
        self.opened[str(id)] = wanted
        self.kept[str(id)] = Kept(_who(wanted.claims), wanted.digest, wanted.second_person, until)
        return OpenedOneShot(id=id, url=f"/api/v1/interactions/{id}", expires_at=until)

    async def consume_one_shot(self, id: str, wanted: ConsumeOneShot) -> ConsumedOneShot:
        self._up()
        UUID(id)
        kept = self.kept.get(id)
        if kept is None:
            return self._first(id, wanted)
        asks = (_who(wanted.claims), wanted.digest, wanted.second_person)
        if kept.used or asks != (kept.who, kept.digest, kept.second_person):
            return ConsumedOneShot(consumed=False, action="used")
        if kept.answer == "accept":
            kept.used = True
            self.consumed += 1
            return ConsumedOneShot(consumed=True, action="accept")
        if kept.answer is not None:
            return ConsumedOneShot(consumed=False, action="decline")
        late = kept.until <= self.clock.now()
        return ConsumedOneShot(consumed=False, action="expired" if late else "pending")

    def answer(self, id: str, action: Action) -> None:
        self.kept[id].answer = action

    @property
    def last(self) -> str:
        return list(self.opened)[-1]

    def _first(self, id: str, wanted: ConsumeOneShot) -> ConsumedOneShot:
        if wanted.second_person or wanted.opened:
            return ConsumedOneShot(consumed=False, action="expired")
        self.kept[id] = Kept(_who(wanted.claims), wanted.digest, False, self.clock.now(), "accept", used=True)
        self.consumed += 1
        return ConsumedOneShot(consumed=True, action="accept")

    def _up(self) -> None:
        if self.down:
            raise Unavailable("The platform does not answer.", retry_after=2)


def _who(claims: dict[str, Any]) -> tuple[str, str]:
    return claims["org"], claims["sub"]
