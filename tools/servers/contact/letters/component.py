"""The one call of icalendar that has no type."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from icalendar import Component


def add(component: "Component", name: str, value: Any) -> None:
    """A property, encoded as its name asks for (RFC 5545, 3.3)."""
    component.add(name, value)  # pyright: ignore[reportUnknownMemberType]  its `value` is untyped
