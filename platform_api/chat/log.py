"""The events of one turn in the process that runs it: appended once, read by any number of followers."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from kit.wire.events import TERMINAL, TurnEventBase, parse_event


@dataclass(frozen=True, slots=True)
class Entry:
    """One event as it travels: `data` is its JSON. `seq` counts from 1 without gaps."""

    seq: int
    type: str
    data: str

    @property
    def terminal(self) -> bool:
        return self.type in TERMINAL


def entry_of(data: str) -> Entry:
    """The entry of an event's JSON."""
    event = parse_event(data)
    return Entry(event.seq, event.type, data)


def renumbered(data: str, seq: int) -> Entry:
    """The same event under a number that fits where it is told."""
    event = parse_event(data).model_copy(update={"seq": seq})
    return Entry(seq, event.type, event.dump())


Batches = AsyncIterator[Sequence[Entry]]
"""What a follower gets: events as they come, as many as there are; an empty batch while nothing comes."""


class TurnLog:
    """Lives in memory, so that a follower here waits for no other system (and for no Redis)."""

    def __init__(self, turn_id: UUID) -> None:
        self.turn_id = turn_id
        self.ended = asyncio.Event()
        self._entries: list[Entry] = []
        self._news = asyncio.Event()

    @property
    def next_seq(self) -> int:
        return len(self._entries) + 1

    def say(self, event: type[TurnEventBase], **fields: Any) -> None:
        """Append an event of this kind; its turn and number are filled in."""
        made = event(turn_id=self.turn_id, seq=self.next_seq, **fields)
        # Every concrete event has a `type`; the base has none to read.
        self.append(Entry(made.seq, event.model_fields["type"].default, made.dump()))

    def append(self, entry: Entry) -> None:
        """After the terminal event nothing is appended any more."""
        if self.ended.is_set():
            return
        self._entries.append(entry)
        if entry.terminal:
            self.ended.set()
        woken, self._news = self._news, asyncio.Event()
        woken.set()

    def after(self, seq: int) -> list[Entry]:
        return self._entries[max(0, seq) :]

    async def news(self, seq: int) -> None:
        """Wait until there is something after `seq`, or the turn has ended."""
        while len(self._entries) <= seq and not self.ended.is_set():
            await self._news.wait()

    async def follow(self, after: int, idle_s: float) -> Batches:
        """From `after` on to the terminal event, which always comes, also to one who has seen it."""
        at = after
        while True:
            batch = self.after(at)
            if batch or self.ended.is_set():
                yield batch or self._entries[-1:]
                if self.ended.is_set() and self._entries[-1].seq <= (batch[-1].seq if batch else at):
                    return
                at = batch[-1].seq
                continue
            try:
                async with asyncio.timeout(idle_s):
                    await self.news(at)
            except TimeoutError:
                yield []
