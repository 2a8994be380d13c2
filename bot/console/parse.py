"""A typed line → what the person wants. Pure."""

from dataclasses import dataclass
from typing import Literal

Verb = Literal["help", "sources", "new", "quit"]
VERBS: dict[str, Verb] = {
    "/help": "help",
    "/?": "help",
    "/sources": "sources",
    "/new": "new",
    "/quit": "quit",
    "/exit": "quit",
    "/q": "quit",
}


@dataclass(frozen=True, slots=True)
class Ask:
    text: str


@dataclass(frozen=True, slots=True)
class Command:
    verb: Verb


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
    word = text.split(maxsplit=1)[0].lower()
    if word in VERBS:
        return Command(VERBS[word])
    # "/etc/hosts says …" is a question; "/soruces" is a slip.
    if word.startswith("/") and "/" not in word[1:]:
        return Unknown(word)
    return Ask(text)
