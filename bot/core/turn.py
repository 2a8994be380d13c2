"""What a person said in a channel, as every channel tells it."""

from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from kit.wire.chat import Audience


@dataclass(frozen=True, slots=True)
class Turn:
    """`thread` and `message_id` are the channel's own; with `channel` they name a message for ever."""

    channel: str
    thread: str
    message_id: str
    text: str
    audience: Audience = "private"
    knowledge_base_ids: tuple[UUID, ...] = ()
    """Empty: all that the person may see."""
    agent: str | None = None
    """Which agent answers; None: the deployment's default one."""

    @property
    def external_ref(self) -> str:
        """What the platform knows the thread by: one session per person and thread."""
        return f"{self.channel}:{self.thread}"[:256]

    @property
    def key(self) -> str:
        """The same message, delivered twice or to two replicas, is the same turn on the platform."""
        return sha256(f"{self.channel}\0{self.thread}\0{self.message_id}".encode()).hexdigest()
