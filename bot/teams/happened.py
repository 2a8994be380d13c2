"""What happens in Teams, in neutral parts: `parse` makes them of activities, the bot does what they ask for.

Nothing here is a permission: who somebody is to us the platform decides (`Who.identity`, SPEC 6).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bot.core.turn import Turn

Kind = Literal["personal", "groupChat", "channel"]


@dataclass(frozen=True, slots=True)
class Who:
    """`object_id` is the person's in Entra; `id` is what this bot knows them by ("29:…")."""

    tenant: str
    object_id: str
    id: str
    name: str = ""

    @property
    def identity(self) -> str:
        return f"teams:{self.tenant}/{self.object_id}"


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


@dataclass(frozen=True, slots=True)
class Invoked:
    """`adaptiveCard/action`, `message/submitAction`, `composeExtension/…`, `signin/…`, `message/fetchTask`…

    `where.activity` is the message that holds the card or the thumbs ("" for none); `value` is what the
    activity carries; `activity` is all of it, as it came.
    """

    name: str
    value: Mapping[str, Any]
    who: Who
    where: Where
    activity: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class InvokeAnswer:
    """What Teams gets for an invoke: at once, as the body of the POST's answer."""

    status: int = 200
    body: Mapping[str, Any] | None = None


Event = Asked | Edited | Deleted | Added | Removed | Foreign
