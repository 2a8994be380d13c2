"""What a message asks: the question without what people say around it, and its parts. Pure, any script.

Written for English; a message in another language stays as it is, in one part. When unsure the text stays:
a word too many costs a little, a lost one the answer.
"""

import re
from dataclasses import dataclass

from knowledge.search.parts import parts_of
from knowledge.search.politeness import without_politeness

_BLANKS = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Query:
    """text: never empty unless the message holds no letter or digit, never longer than the message.

    parts: the questions in it, in order, as they stand there, each whole in itself: "who approves it?" has
    what is approved before it. None is longer than `text`; only `text` where there is one.
    """

    text: str
    parts: tuple[str, ...]


def understand(message: str) -> Query:
    """Never raises; "" and () of parts ("",) for what says nothing."""
    whole = clean(message)
    if not any(character.isalnum() for character in whole):
        return Query("", ("",))
    polite = without_politeness(whole)
    text = " ".join(polite.split())
    return Query(text, parts_of(polite) or (text,))


def clean(message: str) -> str:
    """Without what no tokeniser takes: lone surrogates and control characters, ends of lines aside.

    White space comes as one blank, or as one end of a line where there is one in it: the patterns that read
    the result would take time cubed over long runs.
    """
    text = message.encode("utf-8", "replace").decode()
    if not text.isprintable():
        text = "".join(one if one.isprintable() or one in "\n\u200c\u200d" else " " for one in text)
    return _BLANKS.sub(_one_blank, text).strip()


def _one_blank(run: re.Match[str]) -> str:
    return "\n" if "\n" in run.group() else " "
