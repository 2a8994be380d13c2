"""What people say that asks no document anything, and the frame that answers it."""

import re

from knowledge.verify import words_of
from platform_api.llm.extractive.language import language_of, said_in
from platform_api.llm.frames import FrameName

# (frame, words of which one must be there, words that may stand around)
_WORDS: tuple[tuple[FrameName, str, str], ...] = (
    (
        "greeting",
        "hi hello hey hiya howdy yo greetings morning afternoon evening",
        "good there all team everyone folks switchboard bot again day to you is it",
    ),
    (
        "thanks",
        "thanks thank thx cheers ta tysm ty",
        """you so very much a lot for that the this your help answer was it all good got ok okay many
        really great perfect awesome brilliant cool nice helpful wonderful and is again that's""",
    ),
    (
        "pleased",
        """great perfect awesome brilliant cool nice helpful wonderful excellent amazing love lovely
        clever smart fantastic""",
        """you are so very really that this the was is it's that's answer job work done well good bot it i
        like a what needed exactly just""",
    ),
    (
        "fine",
        "ok okay alright understood fine noted yes yep yeah sure no nope",
        "good got it that is that's i see will do all clear makes sense then thanks nothing else thank you",
    ),
    (
        "goodbye",
        "bye goodbye cya ciao",
        "see you later for now good thanks have a nice day weekend night evening great and all everyone",
    ),
)
_PATTERNS: tuple[tuple[FrameName, str], ...] = (
    (
        "well",
        r"""(?:hi|hey|hello)?[\s,]*
            (?:how\ are\ (?:you|things)(?:\ doing)?(?:\ today)?|how(?:'s|\ is)\ it\ going
            |how\ do\ you\ do|what(?:'s|s|\ is)\ up|are\ you\ (?:ok|okay|well|there|awake|online))""",
    ),
    (
        "goodbye",
        r"""(?:see\ you|talk\ to\ you|speak)(?:\ (?:later|soon|tomorrow))?
            | have\ a\ (?:nice|good|great)\ \w+ | good\ night""",
    ),
    (
        "identity",
        r"""(?:who|what)\ (?:exactly\ )?are\ you | what(?:'s|\ is)\ your\ name
            | (?:which|what)\ (?:ai\ |language\ )?model\ (?:are\ you|do\ you\ use)
            | who\ (?:made|built|created)\ you
            | (?:are\ you|am\ i\ (?:talking|speaking|chatting)\ (?:to|with))\ (?:an?\ )?
              (?:real\ |human\ |ai\ |chat)?
              (?:bot|ai|robot|human|person|chatgpt|gpt|llm|model|machine|real|computer)""",
    ),
    (
        "sure",
        r"""(?:are\ you|r\ u)\ (?:really\ |quite\ )?(?:sure|certain)(?:\ about\ (?:that|this|it))?
            | (?:is|was)\ (?:that|this|it)\ (?:really\ )?(?:right|true|correct|so) | really
            | (?:where|how)\ (?:do|did)\ you\ (?:know|get)\ (?:that|this|it)(?:\ from)?
            | (?:says\ who|who\ says\ (?:so|that)|what(?:'s|\ is)\ (?:the|your)\ source)
            | can\ i\ (?:trust|rely\ on)\ (?:you|that|this)""",
    ),
    (
        "sorry",
        r"""(?:no,?\ )?(?:that|this|it)(?:'s|\ is|\ was)?
              \ (?:wrong|incorrect|nonsense|rubbish|useless|not\ (?:right|true|correct|helpful))
            | (?:no,?\ )?(?:that|this)(?:'s|\ is|\ was)?\ not\ what\ i\ (?:asked|meant|wanted)(?:\ for)?
            | (?:that|this|it)\ (?:does\ not|doesn't|didn't|did\ not)
              \ (?:help|answer\ (?:it|(?:my|the)\ question))
            | i\ (?:do\ not|don't|did\ not|didn't)\ (?:understand|get)\ (?:that|this|it|you)
            | you(?:'re|\ are)\ (?:wrong|useless|stupid|not\ helpful|no\ help|bad|terrible)
            | (?:wrong|incorrect|useless)(?:\ answer)?""",
    ),
    (
        "capabilities",
        r"""help(?:\ me)? | (?:i\ need|can\ i\ get)\ (?:some\ )?help
            | what\ can\ you\ (?:do|help(?:\ me)?\ with|answer|tell\ me)(?:\ for\ me)?
            | what\ (?:do|should)\ (?:you|i)\ (?:do|know)(?:\ here)?
            | how\ (?:can|do)\ (?:you|i)\ (?:help|work|use\ (?:you|this))(?:\ me)?
            | what\ can\ i\ ask(?:\ you)? | how\ does\ this\ work | (?:can\ you|could\ you)\ help(?:\ me)?
            | what\ (?:are\ you\ for|is\ this) | tell\ me\ about\ yourself""",
    ),
    (
        "joke",
        r"""(?:(?:can\ you\ )?tell\ me|do\ you\ know)\ a\ (?:joke|story) | sing(?:\ me)?\ a\ song
            | do\ you\ (?:love|like)\ me | what(?:'s|\ is)\ your\ favou?rite\ \w+""",
    ),
)
_AROUND = re.compile(
    r"^(?:hi|hey|hello|ok|okay|so|well)\b[\s,!.]+(?=\w+\s)|(?<![\s,])[\s,]+please$", re.IGNORECASE
)
_SETS: list[tuple[FrameName, frozenset[str], frozenset[str]]] = [
    (name, frozenset(core.split()), frozenset(f"{core} {around}".split())) for name, core, around in _WORDS
]
_COMPILED: list[tuple[FrameName, re.Pattern[str]]] = [
    (name, re.compile(pattern, re.IGNORECASE | re.VERBOSE)) for name, pattern in _PATTERNS
]


def small_talk(message: str) -> FrameName | None:
    """The frame that answers a message which asks no document anything; None where it may ask one."""
    forms = frozenset(words_of(message).forms)
    plain = " ".join(message.replace("’", "'").split()).strip(" ?!.,")
    plain = _AROUND.sub("", plain)
    if not forms:
        return None
    found: FrameName | None = next((name for name, pattern in _COMPILED if pattern.fullmatch(plain)), None)
    if found:
        return found
    for name, core, allowed in _SETS:
        if not forms.isdisjoint(core) and forms <= allowed:
            return name
    return said_in(language_of(message), forms)
