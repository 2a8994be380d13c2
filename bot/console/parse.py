"""A typed line → what the person wants. Pure."""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

BOOK = "I want to book a meeting"
MEETINGS = "What have I booked?"
"""What the agent is told, as a person would say it: there is no special path to a booking."""
Verb = Literal["help", "sources", "new", "quit", "pending", "tools", "call"]
VERBS: dict[str, Verb] = {
    "/help": "help",
    "/?": "help",
    "/sources": "sources",
    "/new": "new",
    "/pending": "pending",
    "/tools": "tools",
    "/call": "call",
    "/quit": "quit",
    "/exit": "quit",
    "/q": "quit",
}


@dataclass(frozen=True, slots=True)
class Ask:
    text: str


@dataclass(frozen=True, slots=True)
class Command:
    """`rest` is what stands behind the word."""

    verb: Verb
    rest: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Begins like a command but is none."""

    word: str


@dataclass(frozen=True, slots=True)
class Nothing:
    pass


Line = Ask | Command | Unknown | Nothing


def parse(line: str) -> Line:
    text = line.strip()
    if not text:
        return Nothing()
    first, _, rest = text.partition(" ")
    word = first.lower()
    if word == "/book":
        return Ask(f"{BOOK} {rest.strip()}".strip())
    if word == "/meetings":
        return Ask(MEETINGS)
    if word in VERBS:
        verb = VERBS[word]
        return Command(verb, rest.strip() if verb in ("pending", "call") else "")
    # "/etc/hosts says …" is a question; "/soruces" is a slip.
    if word.startswith("/") and "/" not in word[1:]:
        return Unknown(word)
    return Ask(text)


class BadArguments(ValueError):
    """Its text says how to write them."""


def arguments_of(rest: str, schema: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """`{"json": …}` or `name=value name2="two words"`. Values are read as the tool's schema wants them;
    without one as JSON where they are, else as text. Raises BadArguments."""
    if rest.startswith("{"):
        return _object(rest)
    try:
        words = shlex.split(rest)
    except ValueError as error:
        raise BadArguments("A quotation mark is not closed.") from error
    return named_values(words, schema)


def named_values(words: Sequence[str], schema: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """`name=value`, each. Raises BadArguments."""
    properties = cast(dict[str, Any], (schema or {}).get("properties", {}))
    given: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise BadArguments(f"Write {word!r} as name=value, or give all of it as one JSON object.")
        given[name] = _value(value, properties.get(name))
    return given


def _object(text: str) -> dict[str, Any]:
    try:
        given = json.loads(text)
    except ValueError as error:
        raise BadArguments(f"This is no JSON object: {error}.") from error
    if not isinstance(given, dict):
        raise BadArguments("This is no JSON object.")
    return cast(dict[str, Any], given)


def _value(text: str, field: object) -> Any:
    kind = cast(dict[str, Any], field).get("type") if isinstance(field, dict) else None
    if kind == "string":
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text
