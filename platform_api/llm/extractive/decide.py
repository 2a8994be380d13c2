"""What to do with a message: answer it ourselves, look after a meeting, or search, and with which words."""

from collections.abc import Sequence
from dataclasses import dataclass

from knowledge.verify import words_of
from platform_api.llm.extractive.booking import Wish, names_a_meeting, wish_in
from platform_api.llm.extractive.booking_goes_on import wish_after
from platform_api.llm.extractive.following import points_at_nothing, resolved
from platform_api.llm.extractive.language import language_of
from platform_api.llm.extractive.question import stripped
from platform_api.llm.extractive.smalltalk import small_talk
from platform_api.llm.frames import FrameName, Language

_LONGEST_QUERY = 2000  # docs.search takes no more


@dataclass(frozen=True, slots=True)
class Decision:
    """One of `frame`, to be rendered, `query`, for docs.search, and `wish`, for the tool that it names; the
    others are None.

    question: what is asked in full, with the question before it where the message only points back (then
    goes_on, and `adds` is what the message itself says).
    """

    question: str
    frame: FrameName | None = None
    query: str | None = None
    goes_on: bool = False
    adds: str = ""
    language: Language = "en"
    wish: Wish | None = None


def decide(message: str, history: Sequence[str] = (), said: Sequence[tuple[str, str]] = ()) -> Decision:
    """What to do with a message. history: the person's earlier messages, oldest first; said: all of them, and
    the answers, as (role, text)."""
    plain = stripped(message)
    language = language_of(message)
    frame = small_talk(message)
    if frame:
        return Decision(plain, frame=frame, language=language)
    if not any(form[0].isalnum() for form in words_of(plain).forms):
        return Decision(plain, frame="unclear")
    if wish := _wish(plain, said or [("user", text) for text in history]):
        return Decision(plain, wish=wish)
    before = [text for text in history if not small_talk(text)]
    question = resolved(plain, before)
    goes_on_ = question != plain
    if not goes_on_ and points_at_nothing(plain):
        return Decision(plain, frame="vague")
    query = question[:_LONGEST_QUERY]
    return Decision(question, None, query, goes_on_, plain if goes_on_ else "", language)


def _wish(message: str, said: Sequence[tuple[str, str]]) -> Wish | None:
    """The one that the message has, or goes on with; "cancel it" alone means nothing that we know."""
    wish = wish_in(message)
    if wish is not None and names_a_meeting(message):
        return wish
    return wish_after(message, said)
