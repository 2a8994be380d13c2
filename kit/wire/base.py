"""What every shape on the wire has in common."""

from typing import Any, ClassVar, Generic, TypeVar, cast

from pydantic import BaseModel, ConfigDict, model_validator

Item = TypeVar("Item")


class Wire(BaseModel):
    """A shape that we send: frozen; absent optional fields are left out by `dump`."""

    model_config = ConfigDict(frozen=True)

    def dump(self) -> str:
        """JSON without absent optional fields."""
        return self.model_dump_json(exclude_none=True)


class Request(BaseModel):
    """A shape that we receive: an unknown field is refused with its name (SPEC 3).

    So is text that cannot be kept: Postgres stores no NUL, and half a surrogate pair has no UTF-8. A
    shape whose reader cleans the text itself says `cleaned = True`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    cleaned: ClassVar[bool] = False

    @model_validator(mode="before")
    @classmethod
    def _is_text(cls, given: Any) -> Any:
        if not cls.cleaned and not _storable(given):
            raise ValueError("there is a NUL or half a surrogate pair in a text")
        return given


def _storable(given: Any) -> bool:
    waiting: list[Any] = [given]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            if "\0" in value or not (value.isascii() or value.encode("utf-8", "ignore").decode() == value):
                return False
        elif isinstance(value, dict):
            entries = cast(dict[Any, Any], value)
            waiting += [*entries, *entries.values()]
        elif isinstance(value, list):
            waiting += cast(list[Any], value)
    return True


class Page(Wire, Generic[Item]):
    """One page of a list; pass `next_cursor` back as `?cursor=` for the next one."""

    items: list[Item]
    next_cursor: str | None = None
