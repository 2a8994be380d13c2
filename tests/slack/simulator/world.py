# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# (JSON as Slack has it, and an SDK without types)
"""What there is in a Slack: teams, people, channels, messages, files; and when each came."""

import itertools
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


class Numbers:
    """Ids and timestamps as Slack's: never twice, not even in another Slack; timestamps in order."""

    def __init__(self) -> None:
        self._counter = itertools.count(time.time_ns() // 1_000_000 % 10**9 * 10)
        self._last = 0

    def id(self, prefix: str) -> str:
        return f"{prefix}{next(self._counter):010d}"

    def ts(self) -> str:
        self._last = max(self._last + 1, int(time.time() * 1_000_000))
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06d}"


@dataclass(frozen=True, slots=True)
class Team:
    """A workspace; `token` is what our app has been given for it ("" where it is not installed)."""

    id: str
    domain: str
    bot_user: str
    bot_id: str
    enterprise: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """`team` is the person's own; `bot` for another app's bot user."""

    id: str
    name: str
    team: Team
    email: str = ""
    bot: bool = False


@dataclass(slots=True)
class Channel:
    id: str
    name: str
    team: Team
    members: set[str] = field(default_factory=set[str])
    shared: bool = False
    """With another company (Slack Connect)."""

    @property
    def direct(self) -> bool:
        return self.id.startswith("D")


@dataclass(slots=True)
class Posted:
    """One message as Slack keeps it. `ephemeral` names the only person who sees it; times are monotonic."""

    channel: str
    ts: str
    user: str
    text: str = ""
    thread: str = ""
    blocks: list[Json] = field(default_factory=list[Json])
    files: list[Json] = field(default_factory=list[Json])
    ephemeral: str = ""
    streaming: bool = False
    streamed: bool = False
    expired: bool = False
    tasks: dict[str, Json] = field(default_factory=dict[str, Json])
    came: float = field(default_factory=time.monotonic)
    finished: float = field(default_factory=time.monotonic)
    versions: list[str] = field(default_factory=list[str])
    """Texts that it had before."""
    app: bool = False

    @property
    def shown(self) -> str:
        """All that is read on the screen: blocks instead of the text, if there are any; of a stream both."""
        blocks = "\n".join(texts_of(self.blocks))
        if self.streamed:
            return "\n".join(part for part in (self.text, blocks) if part)
        return blocks or self.text

    @property
    def buttons(self) -> list[Json]:
        return [one for one in elements_of(self.blocks) if one.get("action_id")]

    def payload(self) -> Json:
        """As an interaction's `message` has it."""
        body: Json = {"type": "message", "user": self.user, "ts": self.ts, "text": self.text}
        if self.blocks:
            body["blocks"] = self.blocks
        if self.files:
            body["files"] = self.files
        if self.app:
            body |= {"bot_id": "B0SWITCH", "app_id": "A0SWITCH"}
        if self.thread:
            body["thread_ts"] = self.thread
        return body


def texts_of(part: Any) -> Iterator[str]:
    """Every text of blocks, in order; buttons' labels and addresses included."""
    if isinstance(part, Mapping):
        for key, value in part.items():
            if (key == "text" and isinstance(value, str)) or (key == "url" and isinstance(value, str)):
                yield value
            else:
                yield from texts_of(value)
    elif isinstance(part, list):
        for one in part:
            yield from texts_of(one)


def elements_of(part: Any) -> Iterator[Json]:
    """Everything in blocks that has a type: blocks, elements, buttons of feedback."""
    if isinstance(part, Mapping):
        if "type" in part:
            yield dict(part)
        for value in part.values():
            yield from elements_of(value)
    elif isinstance(part, list):
        for one in part:
            yield from elements_of(one)


@dataclass(slots=True)
class View:
    """A modal or a Home as it was opened; `on` is the person who sees it."""

    id: str
    body: Json
    on: str
    team: Team
    hash: str = "1"
    state: Json = field(default_factory=dict[str, Any])
    errors: Json = field(default_factory=dict[str, Any])
    root: str = ""

    @property
    def shown(self) -> str:
        return "\n".join(texts_of(self.body))

    def payload(self) -> Json:
        kept = ("type", "title", "submit", "close", "blocks", "callback_id", "external_id")
        return {key: self.body[key] for key in kept if key in self.body} | {
            "id": self.id,
            "team_id": self.team.id,
            "private_metadata": self.body.get("private_metadata", ""),
            "state": {"values": self.state},
            "hash": self.hash,
            "clear_on_close": False,
            "notify_on_close": False,
            "previous_view_id": None,
            "root_view_id": self.root or self.id,
            "app_id": "A0SWITCH",
            "app_installed_team_id": self.team.id,
            "bot_id": self.team.bot_id,
        }


@dataclass(slots=True)
class Call:
    """One call of the Web API: what was asked, how it was answered, when (monotonic)."""

    method: str
    arguments: Json
    answer: Json
    at: float
    token: str = ""
    status: int = 200

    @property
    def ok(self) -> bool:
        return bool(self.answer.get("ok"))


@dataclass(slots=True)
class Delivered:
    """One event, interaction or command on its way to the app. `acks` are monotonic times; `answer` is the
    body of the acknowledgement; `status` its HTTP status (200 over a socket)."""

    kind: str
    payload: Json
    sent: float
    acked: float | None = None
    answer: Json = field(default_factory=dict[str, Any])
    status: int = 0
    attempts: int = 1

    @property
    def waited_s(self) -> float:
        assert self.acked is not None, f"never acknowledged: {self.payload}"
        return self.acked - self.sent
