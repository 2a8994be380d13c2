"""How anything is said in Teams: activities as dicts, as the Bot Connector's REST interface has them."""

from collections.abc import Mapping
from typing import Any, Protocol

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
        self.detail = ""

    @property
    def passing(self) -> bool:
        """It may well work in a moment."""
        return self.status == 429 or self.status >= 500 or self.status in (0, 408, 412)


class NotAllowed(Exception):
    """A token that is missing, forged, expired or for somebody else: HTTP 401."""


class Away(Exception):
    """The issuer does not name its keys at the moment: HTTP 503, and Teams comes again."""


class Chat(Protocol):
    """One conversation. All methods raise TeamsTrouble; `within_s` is how long they are patient."""

    async def send(self, activity: Activity, *, within_s: float = 0.0) -> str:
        """The new message's id. In a channel it stands in the thread that `where.conversation` names."""
        ...

    async def replace(self, activity_id: str, activity: Activity, *, within_s: float = 0.0) -> None: ...

    async def remove(self, activity_id: str, *, within_s: float = 0.0) -> None: ...
