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
    "well",
    "pleased",
    "joke",
    "sure",
    "sorry",
    "identity",
    "capabilities",
    "unclear",
    "vague",
    "several",
    "which",
    "missing_first",
    "missing_second",
    "missing_third",
    "missing_fourth",
    "not_found",
    "found",
    "disagree",
    "degraded",
    "refused",
    "outdated",
    "declined",
    "expired",
    "tool_said",
    "unanswered",
    "no_booking",
    "for_you_alone",
]


Language = Literal["en", "de", "fr", "es", "it", "pt", "nl"]


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
    "well": "I'm fine, thank you. What would you like to know?",
    "pleased": "Glad to hear that. Ask me whenever there is more.",
    "joke": "I only quote documents, so I can't help with this. Ask me what a document may answer.",
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
    "vague": "What is it about? Please tell me a little more, then I can look it up.",
    "several": "This may mean several things:",
    "which": "Which one do you mean?",
    "missing_first": "I couldn't find an answer to the first part of your question.",
    "missing_second": "I couldn't find an answer to the second part of your question.",
    "missing_third": "I couldn't find an answer to the third part of your question.",
    "missing_fourth": "I couldn't find an answer to the fourth part of your question.",
    "not_found": "I couldn't find this in the documents you can see. Please ask {contact}.",
    "found": "Here is what I found:",
    "disagree": "The documents disagree on this:",
    "degraded": (
        "The documents can't be searched right now. Please try again in a few minutes, or ask {contact}."
    ),
    "refused": "I can't help with this. Please ask {contact}.",
    "outdated": "This document may be out of date.",
    "declined": "You did not agree, and the tool was told so.",
    "expired": (
        "Your answer came too late for the tool, so it was not used. Please ask again if you still want this."
    ),
    "tool_said": "This is what the tool answered:",
    "unanswered": (
        "The question was not answered in time, so nothing was done. Please ask again if you still want this."
    ),
    "no_booking": "I can't look after meetings here, so nothing was booked or changed. Please ask {contact}.",
    "for_you_alone": (
        "Others read along here, so what came of it is for you alone."
        " Ask me what you have booked in a direct message."
    ),
}
"""One or more sentences each; `{contact}` is the only slot."""
MISSING: tuple[FrameName, ...] = ("missing_first", "missing_second", "missing_third", "missing_fourth")
"""By the place of the part that nothing answers."""


_IN_ENGLISH: Language = "en"
TRANSLATED: dict[Language, dict[FrameName, str]] = {
    "de": {
        "greeting": "Hallo! Fragen Sie mich, was in den Dokumenten steht, die Sie sehen können.",
        "thanks": "Gern geschehen!",
        "goodbye": "Auf Wiedersehen!",
        "not_found": (
            "Das habe ich in den Dokumenten, die Sie sehen können, nicht gefunden. Versuchen Sie es in der"
            " Sprache der Dokumente, oder wenden Sie sich an {contact}."
        ),
    },
    "fr": {
        "greeting": "Bonjour ! Demandez-moi ce que disent les documents que vous pouvez voir.",
        "thanks": "Je vous en prie !",
        "goodbye": "Au revoir !",
        "not_found": (
            "Je n'ai pas trouvé cela dans les documents que vous pouvez voir. Essayez dans la langue des"
            " documents, ou adressez-vous à {contact}."
        ),
    },
    "es": {
        "greeting": "¡Hola! Pregúnteme lo que dicen los documentos que puede ver.",
        "thanks": "¡De nada!",
        "goodbye": "¡Hasta luego!",
        "not_found": (
            "No lo he encontrado en los documentos que puede ver. Inténtelo en el idioma de los documentos, o"
            " pregunte a {contact}."
        ),
    },
    "it": {
        "greeting": "Buongiorno! Mi chieda che cosa dicono i documenti che può vedere.",
        "thanks": "Prego!",
        "goodbye": "Arrivederci!",
        "not_found": (
            "Non l'ho trovato nei documenti che può vedere. Provi nella lingua dei documenti, oppure chieda a"
            " {contact}."
        ),
    },
    "pt": {
        "greeting": "Olá! Pergunte-me o que dizem os documentos que pode ver.",
        "thanks": "De nada!",
        "goodbye": "Até logo!",
        "not_found": (
            "Não encontrei isto nos documentos que pode ver. Tente na língua dos documentos, ou pergunte a"
            " {contact}."
        ),
    },
    "nl": {
        "greeting": "Hallo! Vraag me wat er in de documenten staat die u kunt zien.",
        "thanks": "Graag gedaan!",
        "goodbye": "Tot ziens!",
        "not_found": (
            "Ik heb dit niet gevonden in de documenten die u kunt zien. Probeer het in de taal van de"
            " documenten, of vraag {contact}."
        ),
    },
}
"""For those who write in another language; what is not here is said in English."""


def render(name: FrameName, language: Language = "en") -> str:
    """The text of a frame. Raises KeyError for an unknown name."""
    text = TRANSLATED.get(language, {}).get(name) or FRAMES[name]
    return text.replace("{contact}", _contact())


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
    every: dict[Language, dict[FrameName, str]] = {_IN_ENGLISH: FRAMES, **TRANSLATED}
    for language, frames in every.items():
        for name in frames:
            for sentence in split_sentences(render(name, language)):
                known.setdefault(_plain(sentence), name)
    return known


def _plain(sentence: str) -> str:
    return " ".join(sentence.replace("’", "'").split())
