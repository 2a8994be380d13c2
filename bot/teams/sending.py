"""How anything is said in Teams: activities as plain dicts, as the Bot Connector's REST interface has them."""

from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

from switchboard_sdk import Switchboard

from bot.teams.happened import InvokeAnswer, Invoked, Where, Who
from bot.teams.kept import Kept
from kit.wire.channels import LinkState

Activity = Mapping[str, Any]


class TeamsTrouble(Exception):
    """`code` is the connector's own (`ConversationBlockedByUser`, `MessageSizeTooBig`, …) or AWAY."""

    def __init__(
        self, code: str, *, status: int = 0, retry_after: float | None = None, uncertain: bool = False
    ) -> None:
        super().__init__(f"{status} {code}")
        self.code = code
        self.status = status
        self.retry_after = retry_after
        self.uncertain = uncertain
        """It may have been done all the same."""

    @property
    def passing(self) -> bool:
        """It may well work in a moment."""
        return self.status == 429 or self.status >= 500 or self.status in (0, 408, 412)


class Chat(Protocol):
    """One conversation. All methods raise TeamsTrouble; `within_s` is how long they are patient."""

    async def send(self, activity: Activity, *, within_s: float = 0.0) -> str:
        """The new message's id. In a channel it stands in the thread that `where.conversation` names."""
        ...

    async def replace(self, activity_id: str, activity: Activity, *, within_s: float = 0.0) -> None: ...

    async def remove(self, activity_id: str, *, within_s: float = 0.0) -> None: ...


class Desk(Protocol):
    """What a pressed card needs of the bot."""

    switchboard: Switchboard
    """As the bot itself."""

    def chat(self, where: Where) -> Chat: ...

    def as_them(self, who: Who) -> Switchboard: ...

    async def link(self, where: Where, who: Who) -> LinkState:
        """Linked, or a fresh code. Raises ApiError."""
        ...

    async def card(self, interaction: UUID) -> Kept | None:
        """Where the interaction's card stands (`kept.where`, its message `kept.answer`, who was asked
        `kept.who`); None: nowhere here, or the platform is away."""
        ...

    def go_on(self, where: Where, who: Who, interaction: UUID, session: UUID, turn: UUID) -> None:
        """Shows the turn that follows on an answer, in a message of its own; returns at once. Whoever calls
        it first for an interaction wins, so call it after every `respond` that named a turn."""
        ...

    def again(self, where: Where, who: Who) -> None:
        """The button "Try again" of the trouble in `where.activity` was pressed; returns at once."""
        ...

    def privately(self, where: Where, who: Who, session: UUID, message: UUID) -> None:
        """The same question once more for that person alone, in the 1:1 chat; returns at once."""
        ...

    def ask(self, where: Where, who: Who, text: str) -> None:
        """As if they had written it in their 1:1 chat with us (a suggested prompt, "ask about this")."""
        ...


class Invokes(Protocol):
    """CARDS' `bot.teams.invoking.Invokes(desk)`; called for every invoke, within 4 seconds."""

    async def execute(self, invoked: Invoked) -> InvokeAnswer: ...
