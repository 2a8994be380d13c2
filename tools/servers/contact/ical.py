"""What an invitation and an event of a CalDAV server have in common, as iCalendar (RFC 5545)."""

from typing import TYPE_CHECKING, Any

from tools.servers.contact.people import Person

if TYPE_CHECKING:
    from icalendar import Component, vCalAddress


def add(component: "Component", name: str, value: Any) -> None:
    """A property, encoded as its name asks for (RFC 5545, 3.3)."""
    component.add(name, value)  # pyright: ignore[reportUnknownMemberType]  its `value` is untyped


def address(person: Person) -> "vCalAddress":
    """The person's e-mail, with the name where there is one."""
    # lazy: 60 ms, for who writes a letter or has chosen CalDAV
    from icalendar import vCalAddress

    found = vCalAddress(f"mailto:{person.email}")
    # a parameter cannot hold a quotation mark (RFC 5545, 3.2)
    if name := " ".join(visible(person.name).replace('"', "'").split()):
        found.params["CN"] = name
    return found


def visible(text: str) -> str:
    """Without control characters, of which RFC 5545 allows line breaks and tabs."""
    return "".join(c for c in text.replace("\r\n", "\n") if c in "\n\t" or c.isprintable())
