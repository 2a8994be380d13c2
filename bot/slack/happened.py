"""What happens in Slack, in neutral parts: `parse` makes them of payloads, `app` does what they ask for.

Nothing here is a permission: who somebody is to us the platform decides (`Who.identity`, SPEC 6).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from bot.core.turn import Turn

Verb = Literal["ask", "book", "sources", "help"]
Press = Literal[
    "answer",
    "open_form",
    "vote",
    "more",
    "privately",
    "again",
    "connect",
    "prompt",
    "remove_document",
    "none",
]
"""answer {interaction, action, content?} · open_form {interaction} · vote {message, vote} · more {session,
message} · privately {session, message} · again {} · connect {} (a page was opened) · remove_document
{document} · none: a link button, or one that is not ours."""

ASK_ABOUT: Final = "ask_about"
SAVE: Final = "save_to_knowledge"
FILL_IN: Final = "fill_in"
"""callback_id of the modal that holds an interaction's form."""
ASK_MODAL: Final = "ask_form"
"""callback_id of the modal of the shortcut "Ask about this"."""


@dataclass(frozen=True, slots=True)
class Who:
    """`workspace` is the enterprise's id where there is one: a person is one in all its workspaces."""

    workspace: str
    user: str
    home: str = ""
    """The team that the payload says is the person's own; "" where it says nothing."""

    @property
    def identity(self) -> str:
        return f"slack:{self.workspace}/{self.user}"


@dataclass(frozen=True, slots=True)
class Where:
    """`team` is whose token answers (the enterprise's id for installations of a whole organisation);
    `thread` is where an answer goes, `ts` the message itself; both "" where there is no message."""

    team: str
    channel: str
    ts: str = ""
    thread: str = ""
    direct: bool = False
    """Only the person and we read it."""
    enterprise: str = ""

    @property
    def ref(self) -> str:
        """As `Turn.thread`; `place_of` reads it."""
        return f"{self.team}/{self.channel}/{self.thread or self.ts}"


def place_of(ref: str) -> Where | None:
    """Of `slack:<team>/<channel>/<thread>`, the platform's external_ref; None: of no thread."""
    parts = ref.removeprefix("slack:").split("/")
    # A longer one is a conversation for one pair of eyes beside a thread: it is never shown there.
    if len(parts) != 3 or not parts[2].replace(".", "").isdecimal():
        return None
    return Where(parts[0], parts[1], thread=parts[2], direct=parts[1].startswith("D"))


@dataclass(frozen=True, slots=True)
class File:
    """`url` is private: it is fetched with the bot's token, from Slack's own hosts only."""

    id: str
    name: str
    url: str
    size: int
    mimetype: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question: a direct message, or a message that mentions us (the mention taken out). With files only,
    `text` is ""."""

    who: Who
    where: Where
    text: str
    event_id: str
    files: tuple[File, ...] = ()

    @property
    def turn(self) -> Turn:
        audience = "private" if self.where.direct else "everyone_here"
        return Turn("slack", self.where.ref, self.where.ts, self.text, audience)


@dataclass(frozen=True, slots=True)
class Edited:
    """`where.ts` is the message that was changed; text as of Asked, "" if no question. `mentions`: it may be
    the change that mentions us for the first time."""

    who: Who
    where: Where
    text: str
    event_id: str
    mentions: bool = False


@dataclass(frozen=True, slots=True)
class Deleted:
    """`where.ts` is the message that is gone."""

    where: Where
    event_id: str


@dataclass(frozen=True, slots=True)
class HomeOpened:
    who: Who
    team: str
    event_id: str


@dataclass(frozen=True, slots=True)
class ChatOpened:
    """The tab "messages" of the agent view, empty or not (`where.thread` is "" there)."""

    who: Who
    where: Where
    event_id: str


@dataclass(frozen=True, slots=True)
class Uninstalled:
    """app_uninstalled, or tokens_revoked with bot tokens."""

    team: str
    event_id: str


@dataclass(frozen=True, slots=True)
class Foreign:
    """A message for us from a bot, a workflow or somebody of another company (Slack Connect: the payload's
    `user_team`/`source_team` is neither the team nor in its enterprise). Of bots in a DM, our own: None."""

    who: Who
    where: Where
    event_id: str
    bot: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """/ask, /book, /sources, /help. `where.ts` is ""."""

    verb: Verb
    text: str
    who: Who
    where: Where
    trigger_id: str
    response_url: str


@dataclass(frozen=True, slots=True)
class Shortcut:
    """On a message; `callback` is ASK_ABOUT or SAVE. `where.ts` is that message."""

    callback: str
    who: Who
    where: Where
    text: str
    files: tuple[File, ...]
    trigger_id: str
    response_url: str


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button. `value` is what `render` put there; `where` None in App Home and modals. `where.ts` is the
    message that holds the button, `where.thread` its thread."""

    press: Press
    value: Mapping[str, Any]
    who: Who
    team: str
    where: Where | None
    trigger_id: str
    response_url: str = ""
    ephemeral: bool = False


@dataclass(frozen=True, slots=True)
class Submitted:
    """A modal. `about` is its private_metadata (JSON that `forms` wrote), `state` Slack's state.values."""

    callback: str
    about: Mapping[str, Any]
    state: Mapping[str, Any]
    who: Who
    team: str
    trigger_id: str


Event = Asked | Edited | Deleted | HomeOpened | ChatOpened | Uninstalled | Foreign


@dataclass(frozen=True, slots=True)
class Message:
    """For chat.postMessage, chat.update, chat.postEphemeral: `text` is what notifications and readers say."""

    text: str
    blocks: tuple[dict[str, Any], ...] = ()

    def payload(self) -> dict[str, Any]:
        return {"text": self.text, "blocks": list(self.blocks)}
