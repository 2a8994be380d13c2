"""What to do with a message: answer it ourselves, or search, and with which words."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from knowledge.verify import words_of
from platform_api.llm.extractive.question import resolved, stripped
from platform_api.llm.frames import FrameName

_LONGEST_QUERY = 2000  # docs.search takes no more

# (frame, words of which one must be there, words that may stand around)
_SMALL_TALK: tuple[tuple[FrameName, str, str], ...] = (
    (
        "greeting",
        "hi hello hey hiya howdy yo greetings morning afternoon evening",
        "good there all team everyone folks switchboard bot again how are you doing is it going",
    ),
    (
        "thanks",
        "thanks thank thx cheers ta great perfect awesome brilliant cool nice helpful",
        "you so very much a lot for that the this your help answer was it all good got ok okay many really",
    ),
    (
        "fine",
        "ok okay alright understood fine noted yes yep yeah sure no nope",
        "good got it that is that's i see will do all clear makes sense then thanks nothing else thank you",
    ),
    ("goodbye", "bye goodbye cya", "see you later for now good thanks have a nice day"),
)
_ABOUT_US: tuple[tuple[FrameName, re.Pattern[str]], ...] = (
    (
        "identity",
        re.compile(
            r"""(?:who|what)\ (?:exactly\ )?are\ you | what(?:'s|\ is)\ your\ name
              | (?:which|what)\ (?:ai\ |language\ )?model\ are\ you
              | are\ you\ (?:an?\ )?(?:real\ |human\ |ai\ |chat)?
                (?:bot|ai|robot|human|person|chatgpt|gpt|llm|model|machine|real)""",
            re.IGNORECASE | re.VERBOSE,
        ),
    ),
    (
        "sure",
        re.compile(
            r"""(?:are\ you|r\ u)\ (?:really\ |quite\ )?(?:sure|certain)(?:\ about\ (?:that|this|it))?
              | (?:is|was)\ (?:that|this|it)\ (?:really\ )?(?:right|true|correct|so) | really
              | (?:where|how)\ (?:do|did)\ you\ (?:know|get)\ (?:that|this|it)(?:\ from)?
              | (?:says\ who|who\ says\ (?:so|that)|what(?:'s|\ is)\ (?:the|your)\ source)""",
            re.IGNORECASE | re.VERBOSE,
        ),
    ),
    (
        "sorry",
        re.compile(
            r"""(?:no,?\ )?(?:that|this|it)(?:'s|\ is|\ was)?
                \ (?:wrong|incorrect|not\ (?:right|true|correct|helpful))
              | (?:no,?\ )?(?:that|this)(?:'s|\ is|\ was)?\ not\ what\ i\ (?:asked|meant|wanted)(?:\ for)?
              | (?:that|this|it)\ (?:does\ not|doesn't|didn't|did\ not)
                \ (?:help|answer\ (?:it|(?:my|the)\ question))
              | i\ (?:do\ not|don't|did\ not|didn't)\ (?:understand|get)\ (?:that|this|it|you)""",
            re.IGNORECASE | re.VERBOSE,
        ),
    ),
    (
        "capabilities",
        re.compile(
            r"""help(?:\ me)? | what\ can\ you\ (?:do|help(?:\ me)?\ with|answer)(?:\ for\ me)?
              | what\ do\ you\ (?:do|know) | how\ (?:can|do)\ you\ (?:help|work)(?:\ me)?
              | what\ can\ i\ ask(?:\ you)? | how\ does\ this\ work""",
            re.IGNORECASE | re.VERBOSE,
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Decision:
    """Either `frame`, to be rendered, or `query`, for docs.search; the other is None.

    question: what is asked in full, with the question before it where the message only points back (then
    goes_on).
    """

    question: str
    frame: FrameName | None = None
    query: str | None = None
    goes_on: bool = False


def decide(message: str, history: Sequence[str] = ()) -> Decision:
    """What to do with a message. history: the person's earlier messages, oldest first."""
    plain = stripped(message)
    frame = _small_talk(message) or _about_us(plain)
    if frame:
        return Decision(plain, frame=frame)
    if not any(form[0].isalnum() for form in words_of(plain).forms):
        return Decision(plain, frame="unclear")
    question = resolved(
        plain, [text for text in history if not (_small_talk(text) or _about_us(stripped(text)))]
    )
    return Decision(question, query=question[:_LONGEST_QUERY], goes_on=question != plain)


def _small_talk(message: str) -> FrameName | None:
    forms = frozenset(words_of(message).forms)
    for name, core, around in _SMALL_TALK:
        if not forms.isdisjoint(core.split()) and forms <= {*core.split(), *around.split()}:
            return name
    return None


def _about_us(plain: str) -> FrameName | None:
    asked = plain.rstrip(" ?!.").removesuffix(" please")
    return next((name for name, pattern in _ABOUT_US if pattern.fullmatch(asked)), None)
