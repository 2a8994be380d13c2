"""Interactions: what we ask a person and wait for, in one neutral form for every channel (SPEC 5)."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from kit.wire.base import Request, Wire
from kit.wire.tools import ToolOutcome

Kind = Literal["form", "choice", "approval", "connect_account"]
Status = Literal["open", "answered", "expired", "cancelled"]
Action = Literal["accept", "decline", "cancel"]
AskedOf = Literal["me", "second_person"]

KIND_META = "switchboard/kind"
"""In the `_meta` of an elicitation's params. `approval` counts only because the gateway takes every
`switchboard/…` key off what foreign servers send."""
INTERACTION_META = "switchboard/interaction"
"""There too, the gateway's: the id of a one-shot that already asks this of somebody."""


EXPIRES_META = "switchboard/expires_s"
"""There too, the gateway's or a server's of ours: seconds that whoever asks is going to wait."""
CONNECT_META = "switchboard/connect"
"""There too, the gateway's: {server} whose account the page connects; connecting it is the answer."""


class Form(Wire):
    """One question. `requested_schema` is an object of flat fields: string (formats email, uri, date,
    date-time), number, integer, boolean, one of several (`oneOf` of {const, title}), several of them
    (array whose items are `anyOf` of {const, title}); it is empty where there is a page to open (`url`) or
    nothing to fill in. Texts are a server's: to be shown as text, never as markup."""

    key: str
    message: str
    requested_schema: dict[str, Any] = {}
    url: str | None = None
    """https, or http on this machine; to be shown whole before it is opened."""
    tool: str | None = None
    arguments: dict[str, Any] | None = None
    """Of an approval: exactly what the tool would be called with."""


class Interaction(Wire):
    """`forms` is empty once what was asked has been forgotten (a day after the end)."""

    id: UUID
    kind: Kind
    status: Status
    title: str
    forms: list[Form]
    tool: str
    session_id: UUID | None = None
    turn_id: UUID | None = None
    """The turn that waits; `continued_by` is the one that goes on with the answer."""
    continued_by: UUID | None = None
    asked_of: AskedOf = "me"
    asked_by: str = ""
    """The name of the person for whom it is asked."""
    mine_to_answer: bool = True
    """False: it waits for somebody else (I may still withdraw it with `cancel`)."""
    created_at: datetime
    expires_at: datetime
    answered_at: datetime | None = None
    outcome: Action | None = None
    settled: bool = False
    """Nothing more will come of it: it has ended, and of a tool called by itself the result is there."""
    result: ToolOutcome | None = None
    """Of a tool that was called by itself, once it has finished."""


class ToolAsks(Wire):
    """What calling a tool answers (202) where the tool asks first: respond, then read its `result`."""

    interaction: Interaction


class Respond(Request):
    """`content`: the fields of the form; of several forms: {key of the form: its fields}. Only for accept."""

    action: Action
    content: Annotated[dict[str, Any], Field(max_length=200)] = {}


class Responded(Wire):
    """`turn_id`: the turn that goes on; attach to it. None where no conversation waits."""

    interaction_id: UUID
    status: Status
    turn_id: UUID | None = None


class RememberedApproval(Wire):
    """A yes that holds for one tool in one conversation, until it expires, or tool or policy change."""

    id: str
    tool: str
    server: str
    session_id: UUID | None = None
    """None: the session of an MCP client."""
    remembered_at: datetime
    expires_at: datetime


class AskRemembered(Request):
    """The platform asks the gateway what is remembered for a person (SPEC 3b); `forget`: and forgets this."""

    organisation_id: UUID
    user_id: UUID
    forget: Annotated[str, Field(max_length=100)] | None = None


class Remembered(Wire):
    items: list[RememberedApproval]
    forgotten: bool = False


class OpenOneShot(Request):
    """The gateway asks a person (SPEC 3b). `claims` as of access.tokens: for whom it asks."""

    claims: dict[str, Any]
    kind: Literal["approval"] = "approval"
    tool: Annotated[str, Field(max_length=200)]
    arguments: dict[str, Any] = {}
    digest: Annotated[str, Field(min_length=1, max_length=200)]
    """What the permission is bound to: a hash over caller, tool, definition and arguments."""
    message: Annotated[str, Field(max_length=8000)] = ""
    requested_schema: dict[str, Any] = {}
    second_person: bool = False
    approvers: Annotated[list[str], Field(max_length=50)] = []
    """Roles that may be the second person; empty: the permission manage_tools."""
    expires_s: Annotated[float, Field(gt=0, le=86_400)] = 600


class OpenedOneShot(Wire):
    """`url`: where the answer is given over REST."""

    id: UUID
    url: str
    expires_at: datetime


class ConsumeOneShot(Request):
    claims: dict[str, Any]
    digest: Annotated[str, Field(min_length=1, max_length=200)]
    second_person: bool = False
    opened: bool = False
    """It was opened here: where it is gone, it is not taken for one that was accepted in the client."""


class ConsumedOneShot(Wire):
    """`consumed` is true for exactly one caller and only with action `accept`."""

    consumed: bool
    action: Literal["accept", "decline", "pending", "expired", "used"]
