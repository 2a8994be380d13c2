"""Turns as they are kept while nobody has their end (`turn/…`), and back."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, Literal
from uuid import UUID

from bot.core.turn import Turn
from bot.teams.happened import File, Where, Who
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
    """The id of our message, once there is one."""
    files: tuple[File, ...] = ()

    @property
    def asked(self) -> Turn:
        return Turn("teams", self.thread, self.message, self.text, self.audience)

    @property
    def going_on(self) -> tuple[UUID, UUID]:
        return UUID(self.session), UUID(self.turn)

    @property
    def place(self) -> str:
        """The question's name for ever, in `turn/…` and `seen/…`."""
        return place_of(self.where.conversation, self.message, "files/" if self.kind == "files" else "")

    @property
    def too_old(self) -> bool:
        return time.time() - self.at > TAKEN_UP_WITHIN_S

    def value(self) -> dict[str, Any]:
        who, where = self.who, self.where
        return {
            "kind": self.kind,
            "who": [who.tenant, who.user, who.mri, who.name],
            "where": [
                where.service_url,
                where.conversation,
                where.kind,
                where.tenant,
                where.bot,
                where.activity,
                where.team,
            ],
            "text": self.text,
            "message": self.message,
            "thread": self.thread,
            "audience": self.audience,
            "session": self.session,
            "turn": self.turn,
            "at": self.at,
            "answer": self.answer,
            "files": [[file.id, file.name, file.url] for file in self.files],
        }


def place_of(conversation: str, message: str, before: str = "") -> str:
    # A conversation's id is long and full of signs that have a meaning in addresses.
    return f"{before}{sha256(conversation.encode()).hexdigest()[:32]}/{message}"


def kept_of(value: Mapping[str, Any]) -> Kept | None:
    """None: of a version of ours that wrote it otherwise."""
    try:
        given = {**value}
        given.pop("by", None)
        given["who"], given["where"] = Who(*given["who"]), Where(*given["where"])
        given["files"] = tuple(File(*file) for file in given.get("files", ()))
        return Kept(**given)
    except (KeyError, TypeError):
        return None
