"""What an effect is about, as it is kept: JSON of the ports' own shapes."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar, cast
from uuid import UUID, uuid5

import msgspec

from tools.servers.contact.calendars.port import Event, Placed
from tools.servers.contact.crm.port import Entered, Lead
from tools.servers.contact.letters import Kind, LetterFacts
from tools.servers.contact.mail.port import Letter, Sent
from tools.servers.contact.store.models import EffectKind

Json = dict[str, Any]
Verb = Literal["place", "move", "remove", "write", "send", "upsert"]
"""Of an event the first three. Of a letter: write it from a booking's facts, or send it as it was given."""
_KINDS: Final[dict[Verb, EffectKind]] = {
    "place": "event",
    "move": "event",
    "remove": "event",
    "write": "letter",
    "send": "letter",
    "upsert": "lead",
}
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Wanted:
    """One effect, before it is kept. key: see EffectRow."""

    key: str
    verb: Verb
    content: Json

    @property
    def kind(self) -> EffectKind:
        return _KINDS[self.verb]

    @property
    def digest(self) -> str:
        """Of what is done, so that one key means one thing."""
        told = msgspec.json.encode([self.verb, self.content], order="sorted")
        return hashlib.sha256(told).hexdigest()

    def id(self, organisation_id: UUID, user_id: UUID) -> UUID:
        return uuid5(organisation_id, f"{user_id}/{self.kind}/{self.key}")


def place(key: str, event: Event) -> Wanted:
    return Wanted(key, "place", _plain(event))


def move(key: str, event: Event) -> Wanted:
    return Wanted(key, "move", _plain(event))


def remove(key: str, event: Event) -> Wanted:
    return Wanted(key, "remove", _plain(event))


def write(kind: Kind, facts: LetterFacts) -> Wanted:
    return Wanted(facts.key, "write", {"kind": kind, "facts": _plain(facts)})


def send(letter: Letter) -> Wanted:
    return Wanted(letter.key, "send", _plain(letter))


def upsert(key: str, lead: Lead) -> Wanted:
    return Wanted(key, "upsert", lead.model_dump(mode="json"))


def event_of(content: Mapping[str, Any] | None) -> Event:
    return msgspec.convert(content, Event)


def letter_of(content: Mapping[str, Any]) -> Letter:
    return msgspec.convert(content, Letter)


def facts_of(content: Mapping[str, Any]) -> tuple[Kind, LetterFacts]:
    return cast(Kind, content["kind"]), msgspec.convert(content["facts"], LetterFacts)


def lead_of(content: Mapping[str, Any]) -> Lead:
    return Lead.model_validate(content)


def placed_of(result: Mapping[str, Any] | None) -> Placed | None:
    return msgspec.convert(result, Placed) if result else None


def sent_of(result: Mapping[str, Any] | None) -> Sent | None:
    return msgspec.convert(result, Sent) if result else None


def entered_of(result: Mapping[str, Any] | None) -> Entered | None:
    return msgspec.convert(result, Entered) if result else None


def _plain(value: Any) -> Json:
    """Everything that is JSON, nested tuples too."""
    return msgspec.json.decode(msgspec.json.encode(value))
