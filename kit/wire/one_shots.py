"""Approvals that the platform keeps for the gateway: asked of people, and used once (SPEC 5, 9)."""

from typing import Annotated, Any, Literal

from pydantic import Field

from kit.wire.base import Request, Wire
from kit.wire.tools import Risk

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""sha256 of what was approved: server, tool, pinned definition, arguments."""
Used = Literal["accept", "decline", "pending", "expired", "used"]


class OpenOneShot(Request):
    """An approval that people must find: where the caller cannot be asked itself, or may not be.

    principal: the caller, in the form of access.tokens. second_person: somebody else answers, who has one
    of the roles `approvers`; none named: who has the permission manage_tools. form: {"message",
    "requested_schema"} as the gateway words it, with arguments neutralised for reading.
    """

    principal: dict[str, Any]
    kind: Literal["approval"] = "approval"
    server: Annotated[str, Field(max_length=200)]
    tool: Annotated[str, Field(max_length=300)]
    title: Annotated[str, Field(max_length=300)]
    risk: Risk
    arguments: dict[str, Any]
    digest: Digest
    form: dict[str, Any]
    second_person: bool = False
    approvers: list[str] = []
    expires_s: Annotated[int, Field(gt=0, le=30 * 86_400)] = 600


class OneShotOpened(Wire):
    """`url`: where a person answers it, absolute, or a path of the platform's API."""

    id: str
    url: str


class ConsumeOneShot(Request):
    """Use it up, for this caller and exactly this. An id that was never opened is one that the caller
    answered in its own client: it is inserted as used (never where `second_person`).

    expires_s: how long an id that was never opened must be remembered; the gateway opens no state later.
    """

    principal: dict[str, Any]
    digest: Digest
    second_person: bool = False
    expires_s: Annotated[int, Field(gt=0, le=30 * 86_400)] = 600


class OneShotConsumed(Wire):
    """`consumed`: this call, and no other, may be made now; `action` is accept then.

    Of another caller, another digest or another kind of person: {consumed: false, action: "used"}.
    """

    consumed: bool
    action: Used
