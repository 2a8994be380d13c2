"""What every shape on the wire has in common."""

from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict

Item = TypeVar("Item")


class Wire(BaseModel):
    """A shape that we send: frozen; absent optional fields are left out by `dump`."""

    model_config = ConfigDict(frozen=True)

    def dump(self) -> str:
        """JSON without absent optional fields."""
        return self.model_dump_json(exclude_none=True)


class Request(BaseModel):
    """A shape that we receive: an unknown field is refused with its name (SPEC 3)."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Page(Wire, Generic[Item]):
    """One page of a list; pass `next_cursor` back as `?cursor=` for the next one."""

    items: list[Item]
    next_cursor: str | None = None
