"""What channels need beyond asking: links, their own small state, messages that we start (SPEC 3, 6)."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, model_validator

from kit.wire.base import Request, Wire

ACT_AS_HEADER = "X-Act-As"
"""`<channel>:<workspace>/<user>`: for whom a bot with `act_as:<channel>` asks."""
CHANNELS = ("slack", "teams", "console", "web")
STATE_LIMIT = 64 * 1024
STATE_STEPS = 64
LONGEST_WAIT_S = 25

ChannelName = Literal["slack", "teams", "console", "web"]
IdentityText = Annotated[str, Field(pattern=r"^[a-z]{1,20}:[^\s/:]{1,120}/[^\s/]{1,200}$")]
"""`slack:<team>/<user>`, `teams:<tenant>/<aad-object-id>`."""
Kind = Annotated[str, Field(pattern=r"^[a-z_]+(\.[a-z_]+){1,3}$", max_length=60)]


class CreateBot(Request):
    channel: ChannelName
    name: Annotated[str, Field(max_length=100)] = ""
    expires_in_days: Annotated[int, Field(ge=1, le=365)] = 90


class RequestLink(Request):
    """A bot says whom it met. `email` only where the channel has verified it."""

    identity: IdentityText
    name: Annotated[str, Field(max_length=200)] = ""
    email: Annotated[str, Field(max_length=320)] | None = None


class LinkState(Wire):
    """`linked`, or the code that the person confirms while signed in."""

    identity: str
    linked: bool
    user_name: str | None = None
    code: str | None = None
    expires_at: datetime | None = None


class LinkOffer(Wire):
    """What a code would link: shown before it is confirmed, so that nobody links a stranger."""

    identity: str
    channel: str
    name: str
    expires_at: datetime


class ConfirmLink(Request):
    code: Annotated[str, Field(min_length=8, max_length=40)]
    identity: IdentityText
    """As the offer says it: who confirms has seen whom."""


class ChannelLink(Wire):
    id: UUID
    channel: str
    identity: str
    name: str
    how: Literal["confirmed", "asserted"]
    linked_at: datetime


class PutState(Request):
    value: dict[str, Any]
    version: Annotated[int, Field(ge=0)] | None = None
    """The version that is replaced, 0 for none yet; absent: whichever."""
    expires_in_s: Annotated[int, Field(ge=1, le=366 * 86_400)] | None = None


class StateEntry(Wire):
    key: str
    value: dict[str, Any]
    version: int
    updated_at: datetime
    expires_at: datetime | None = None


StateKey = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")]


class StateStep(Request):
    """get; remove (also what is not there); put, as PutState says it: `value` is its alone, and needed."""

    do: Literal["get", "put", "remove"]
    key: StateKey
    value: dict[str, Any] | None = None
    version: Annotated[int, Field(ge=0)] | None = None
    expires_in_s: Annotated[int, Field(ge=1, le=366 * 86_400)] | None = None

    @model_validator(mode="after")
    def _whole(self) -> "StateStep":
        if (self.value is not None) != (self.do == "put"):
            raise ValueError("`value` belongs to `put`, and only there")
        return self


class StateSteps(Request):
    """All of them or none; each key once."""

    steps: Annotated[list[StateStep], Field(min_length=1, max_length=STATE_STEPS)]

    @model_validator(mode="after")
    def _each_key_once(self) -> "StateSteps":
        if len({step.key for step in self.steps}) != len(self.steps):
            raise ValueError("each key at most once")
        return self


class StateEntries(Wire):
    """One for each step: what is there now; null where nothing is."""

    items: list[StateEntry | None]


class ClaimDeliveries(Request):
    channel: ChannelName
    limit: Annotated[int, Field(ge=1, le=50)] = 10
    lease_s: Annotated[int, Field(ge=5, le=300)] = 60
    wait_s: Annotated[float, Field(ge=0, le=LONGEST_WAIT_S)] = 0


class Delivery(Wire):
    """A message that we start. `to` is the person in the channel; `payload` depends on `kind`."""

    id: UUID
    lease: UUID
    kind: str
    to: str
    payload: dict[str, Any]
    attempt: int
    created_at: datetime
    expires_at: datetime


class Deliveries(Wire):
    items: list[Delivery]


class AckDelivery(Request):
    lease: UUID
    outcome: Literal["delivered", "failed", "gone"]
    """failed: again later; gone: never again (the person has left, the channel is archived)."""
    detail: Annotated[str, Field(max_length=300)] = ""
