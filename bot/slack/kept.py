"""Turns as they are kept while nobody has their end (`turn/…`), and back."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, Literal
from uuid import UUID

from bot.core.turn import Turn
from bot.slack.happened import File, Where, Who
from kit.wire.chat import Audience

Kind = Literal["ask", "goes_on", "files"]
TAKEN_UP_WITHIN_S: Final = 3600.0
"""What is older has been answered by somebody else; we only say sorry."""


@dataclass(frozen=True, slots=True)
class Kept:
    """ask: `text` under `message`. goes_on: the turn of an answered question. files: what was sent, and
    `text` with it. at: since when we work on it, seconds since 1970."""

    kind: Kind
    who: Who
    where: Where
    text: str = ""
    message: str = ""
    thread: str = ""
    audience: Audience = "private"
    session: str = ""
    turn: str = ""
    at: float = 0.0
    answer: str = ""
    """The ts of our message, once there is one."""
    files: tuple[File, ...] = ()

    @property
    def asked(self) -> Turn:
        return Turn("slack", self.thread, self.message, self.text, self.audience)

    @property
    def going_on(self) -> tuple[UUID, UUID]:
        return UUID(self.session), UUID(self.turn)

    @property
    def place(self) -> str:
        """The question's name for ever, in `turn/…` and `seen/…`."""
        before = "files/" if self.kind == "files" else ""
        return f"{before}{self.where.team}/{self.where.channel}/{self.message}"

    @property
    def too_old(self) -> bool:
        return time.time() - self.at > TAKEN_UP_WITHIN_S

    def value(self) -> dict[str, Any]:
        who, where = self.who, self.where
        return {
            "kind": self.kind,
            "who": [who.workspace, who.user, who.home],
            "where": [where.team, where.channel, where.ts, where.thread, where.direct, where.enterprise],
            "text": self.text,
            "message": self.message,
            "thread": self.thread,
            "audience": self.audience,
            "session": self.session,
            "turn": self.turn,
            "at": self.at,
            "answer": self.answer,
            "files": [[file.id, file.name, file.url, file.size, file.mimetype] for file in self.files],
        }


_FIELDS: Final = frozenset(one.name for one in fields(Kept))


def kept_of(value: Mapping[str, Any]) -> Kept | None:
    """None: of a version of ours that wrote it otherwise; what only another version knows is left out."""
    try:
        given = {name: one for name, one in value.items() if name in _FIELDS}
        given["who"], given["where"] = Who(*given["who"]), Where(*given["where"])
        given["files"] = tuple(File(*file) for file in given.get("files", ()))
        return Kept(**given)
    except (KeyError, TypeError):
        return None
