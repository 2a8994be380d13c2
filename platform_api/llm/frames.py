"""Every sentence of an answer that states no fact of a document; only these may be shown unverified.

A frame is recognised by its exact words. The one thing that varies, whom to ask, comes from the settings and
nowhere else, so that no model can say something of its own in it.
"""

from functools import cache
from typing import Annotated, Literal

from pydantic import Field

from kit.settings import Settings
from knowledge.verify import split_sentences

FrameName = Literal[
    "greeting",
    "thanks",
    "goodbye",
    "fine",
    "sure",
    "sorry",
    "identity",
    "capabilities",
    "unclear",
    "not_found",
    "found",
    "disagree",
    "degraded",
    "refused",
    "outdated",
]


class ContactSettings(Settings):
    """Whom people are sent to where the documents do not help."""

    section = "contact"

    name: Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^.!?\n]+$")] = Field(
        default="your help desk", description="Who helps further, as it reads after “Please ask”."
    )
    address: Annotated[str, Field(max_length=120, pattern=r"^\S*$")] = Field(
        default="", description="E-mail address, channel or URL shown behind the name."
    )


FRAMES: dict[FrameName, str] = {
    "greeting": "Hello! Ask me about anything that the documents you can see may answer.",
    "thanks": "You're welcome!",
    "goodbye": "Goodbye!",
    "fine": "Good! Ask me whenever there is more.",
    "sure": (
        "Each sentence was checked against the source whose number it carries."
        " Open the source to read it there."
    ),
    "sorry": "I'm sorry. Please ask in other words, or ask {contact}.",
    "identity": (
        "I'm Switchboard's built-in extractive model. I search the documents you can see and quote them word"
        " for word. I write nothing of my own."
    ),
    "capabilities": (
        "I search the documents you can see and answer with their own sentences. Each fact comes with its"
        " source. Ask me in your own words."
    ),
    "unclear": "I didn't understand this as a question. Ask me about something that a document may answer.",
    "not_found": "I couldn't find this in the documents you can see. Please ask {contact}.",
    "found": "Here is what I found:",
    "disagree": "The documents disagree on this:",
    "degraded": (
        "The documents can't be searched right now. Please try again in a few minutes, or ask {contact}."
    ),
    "refused": "I can't help with this. Please ask {contact}.",
    "outdated": "This document may be out of date.",
}
"""One or more sentences each; `{contact}` is the only slot."""


def render(name: FrameName) -> str:
    """The text of a frame. Raises KeyError for an unknown name."""
    return FRAMES[name].replace("{contact}", _contact())


def is_frame(sentence: str) -> bool:
    """Whether this is, word for word, a sentence of one of our frames."""
    return frame_of(sentence) is not None


def frame_of(sentence: str) -> FrameName | None:
    """The frame that this sentence belongs to; the first one where several share it."""
    return _sentences().get(_plain(sentence))


@cache
def _contact() -> str:
    contact = ContactSettings()
    return f"{contact.name} ({contact.address})" if contact.address else contact.name


@cache
def _sentences() -> dict[str, FrameName]:
    known: dict[str, FrameName] = {}
    for name in FRAMES:
        for sentence in split_sentences(render(name)):
            known.setdefault(_plain(sentence), name)
    return known


def _plain(sentence: str) -> str:
    return " ".join(sentence.replace("’", "'").split())
