"""Limits of a turn (SPEC 4)."""

from typing import Annotated, Literal

from pydantic import Field

from kit.settings import Settings
from knowledge.verify import DEFAULT_THRESHOLD

Policy = Literal["strict", "mark"]
Seconds = Annotated[float, Field(gt=0)]


class ChatSettings(Settings):
    """How long things may take, and how sure an answer must be."""

    section = "chat"

    turn_timeout_s: Seconds = Field(default=180.0, description="A whole turn at most.")
    busy_wait_s: Annotated[float, Field(ge=0)] = Field(
        default=10.0, description="How long a second message waits for the turn that runs in its session."
    )
    lease_s: Seconds = Field(default=20.0, description="A turn whose process is silent for so long is ended.")
    heartbeat_s: Seconds = Field(
        default=5.0, description="How often a process renews the leases of its turns."
    )
    sweep_every_s: Seconds = Field(
        default=5.0, description="How often each process looks for orphaned turns."
    )
    drain_s: Annotated[float, Field(ge=0)] = Field(
        default=10.0, description="How long running turns may go on when the process is told to stop."
    )
    keepalive_s: Seconds = Field(default=15.0, description="A comment on a silent event stream this often.")
    stream_ttl_s: Annotated[int, Field(gt=0)] = Field(
        default=3600, description="How long the events of a turn can be read again."
    )
    vectors_timeout_s: Seconds = Field(
        default=1.0, description="For the sentence vectors of a turn's sources; without them words decide."
    )
    policy: Policy = Field(
        default="strict",
        description="`strict` shows only what a source supports, `mark` the rest, too, as unverified.",
    )
    threshold: Annotated[float, Field(ge=0, le=1)] = Field(
        default=DEFAULT_THRESHOLD, description="Confidence that a fact needs to be shown."
    )
