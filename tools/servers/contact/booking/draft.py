"""What a booking is before it is one. It lives in the sealed state of the question and nowhere else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from tools.servers.contact.times.shapes import Slot, Window

Step = Literal["form", "window", "slot", "confirm"]


@dataclass(frozen=True, slots=True)
class Draft:
    """id: of the booking that it may become: everything that is done for it is keyed by it. said: form
    field → value, as checked. offered: the choices of the question; shown: all that were offered before."""

    id: UUID
    step: Step
    said: dict[str, Any] = field(default_factory=dict[str, Any])
    window: Window | None = None
    offered: tuple[Slot, ...] = ()
    shown: tuple[datetime, ...] = ()
    slot: Slot | None = None

    def state(self) -> dict[str, Any]:
        return msgspec.json.decode(msgspec.json.encode(self))

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> "Draft":
        return msgspec.convert(dict(state), cls)
