"""What happens in Teams, in neutral parts: `parse` makes them of activities, the bot does what they ask for.

Nothing here is a permission: who somebody is to us the platform decides (`Who.identity`, SPEC 6).
"""

from dataclasses import dataclass
from typing import Literal

from bot.core.turn import Turn

Kind = Literal["personal", "groupChat", "channel"]


@dataclass(frozen=True, slots=True)
class Who:
    """`user` is the person's object id in Entra; `mri` is what this bot knows them by ("29:…")."""

    tenant: str
    user: str
    mri: str = ""
    name: str = ""

    @property
    def identity(self) -> str:
        return f"teams:{self.tenant}/{self.user}"


@dataclass(frozen=True, slots=True)
class Where:
    """`conversation` is where an answer goes (in channels with its thread: `…;messageid=…`), `activity` the
    message that this is about ("" for none), `bot` our own id there ("28:…")."""

    service_url: str
    conversation: str
    kind: Kind
    tenant: str
    bot: str
    activity: str = ""
    team: str = ""

    @property
    def direct(self) -> bool:
        """Only the person and we read it."""
        return self.kind == "personal"

    @property
    def ref(self) -> str:
        """As `Turn.thread`."""
        return self.conversation


@dataclass(frozen=True, slots=True)
class File:
    """`url` needs no token: it is fetched from Microsoft's own hosts only."""

    id: str
    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A message for us, the mention of us taken out. With files only, `text` is ""."""

    who: Who
    where: Where
    text: str
    files: tuple[File, ...] = ()
    images: int = 0
    """Pasted pictures, which we do not read."""

    @property
    def turn(self) -> Turn:
        audience = "private" if self.where.direct else "everyone_here"
        return Turn("teams", self.where.ref, self.where.activity, self.text, audience)


@dataclass(frozen=True, slots=True)
class Edited:
    """`where.activity` is the message that was changed; text as of Asked."""

    who: Who
    where: Where
    text: str


@dataclass(frozen=True, slots=True)
class Deleted:
    where: Where


@dataclass(frozen=True, slots=True)
class Added:
    """We were installed, or somebody came in: `who` is None for a whole team or chat."""

    where: Where
    who: Who | None = None


@dataclass(frozen=True, slots=True)
class Removed:
    where: Where


@dataclass(frozen=True, slots=True)
class Foreign:
    """A message for us from a bot, or from somebody whom the tenant does not know (no object id)."""

    where: Where
    who_id: str
    bot: bool = False


Event = Asked | Edited | Deleted | Added | Removed | Foreign
