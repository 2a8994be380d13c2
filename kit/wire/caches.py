"""What is kept so that it need not be computed again, as admins flush it (SPEC 3, 7)."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from kit.wire.base import Request, Wire


class FlushQuery(Request):
    """scope: everything of the organisation, what comes from its documents, or one knowledge base by id."""

    scope: Literal["all", "documents"] | UUID = Field(default="all")


class Flushed(Wire):
    """scopes: what was flushed. No answer from before is given again; its bytes go when their time is over.

    A search spans knowledge bases, so to flush one of them flushes `documents`.
    """

    scopes: list[str]
