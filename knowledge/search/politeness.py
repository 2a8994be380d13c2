"""What people say around a question: greeting, politeness, filler. Pure; English; anything else stays.

Taken away at the edges only, and only in forms that are nobody's content: "hi" before a comma or a question
goes, "Hello Fresh vouchers" stays.
"""

import re

from knowledge.index.terms import says_something

_ROUNDS = 6
_EDGE = 160  # characters in which a beginning or an end is looked for
_ASKING = (
    r"(?:how|what|which|who|whom|whose|when|where|why|whats|hows|can|could|do|does|did|is|are|am|should|may|must"
    r"|will|would|has|have|if|whether|so|ok|well|tell|please|pls|plz|quick|just|i|we|im|any|anyone|anybody|need|looking)\b"
)
_STOPPED = r"(?:\s*[,.!:;?…–—\n]+(?=\s|$)\s*|\s+-+\s+)"
_NEXT = rf"(?:{_STOPPED}|\s+(?={_ASKING}))"
_ADDRESSED = (
    r"(?:\s+(?:there|all|everyone|everybody|team|folks|guys|people|again|bot|assistant|switchboard|sir))*"
)
_GREETING = (
    r"(?:hi|hey|hello|hiya|heya|howdy|yo|greetings|hallo|g'day|good\s+(?:morning|afternoon|evening|day))"
)
_SMALL = r"(?:just\s+)?(?:an?\s+)?(?:quick|short|simple|small|little|silly|dumb|stupid|random|basic)"
_TELL = r"(?:tell\s+(?:me|us)|let\s+(?:me|us)\s+know|remind\s+me|show\s+me)"
_SOMEBODY = r"(?:can|could|would|will)\s+(?:you|u|some(?:one|body)|any(?:one|body))"
_BEGINNINGS = (
    rf"{_GREETING}{_ADDRESSED}{_NEXT}",
    rf"(?:morning|afternoon|evening|dear(?=\s+(?:all|team|sir|everyone))){_ADDRESSED}{_STOPPED}",
    rf"how(?:'s|\s+is)\s+it\s+going{_STOPPED}|how\s+are\s+(?:you|things)(?:\s+doing)?(?:\s+today)?{_STOPPED}",
    rf"(?:i\s+)?hope\s+(?:you(?:'re|\s+are)|all\s+is|everything\s+is)(?:\s+(?:doing|having|keeping))?"
    rf"\s+(?:a\s+)?(?:well|good|fine|great)(?:\s+(?:day|week))?{_STOPPED}",
    rf"{_SMALL}\s+(?:q|qq|question|one|query)(?:\s+for\s+(?:you|anyone|the\s+team))?(?:\s+(?:about|on|regarding)\s+|{_NEXT})",
    r"(?:q|qq|question)\s*(?::|\s-|–|—)\s*",
    rf"(?:so|ok|okay|well|um+|uh+|hmm+|erm+|oh|ah|right|btw|by\s+the\s+way|also|and|actually|anyway){_NEXT}",
    rf"(?:sorry|apologies|excuse\s+me|pardon(?:\s+me)?)(?:\s+(?:to\s+(?:bother|trouble)\s+(?:you|everyone)"
    rf"|for\s+(?:the|another|yet\s+another)\s+(?:question|bother|trouble)))?(?:\s+(?:but|again))?{_NEXT}",
    r"(?:please|pls|plz|kindly)\s*,?\s+",
    rf"(?:thanks|thank\s+you|thx|cheers){_STOPPED}",
    rf"(?:{_SOMEBODY}\s+)(?:(?:please|pls|plz|kindly|maybe|possibly)\s+)?"
    rf"(?:{_TELL}\s+(?:(?:please|pls|plz)\s+)?(?:(?:if|whether|about)\s+|(?={_ASKING}))"
    rf"|(?=(?:explain|describe|list|summari[sz]e)\b))",
    rf"{_TELL}\s+(?:(?:please|pls|plz)\s+)?(?:(?:if|whether|about)\s+|(?={_ASKING}))",
    rf"(?:do|does|did|would)\s+(?:you|u|anyone|anybody|someone)\s+(?:happen\s+to\s+)?know\s+(?:(?:if|whether)\s+|(?={_ASKING}))",
    rf"(?:anyone|anybody)\s+knows?\s+(?:(?:if|whether)\s+|(?={_ASKING}))",
    rf"any\s+(?:idea|ideas|clue)\s+(?:(?:if|whether)\s+|(?={_ASKING}))",
    rf"(?:i\s+was|i'?m|i\s+am|was|been|i've\s+been)?\s*(?:just\s+|only\s+)?(?:wondering|curious)\s*,?\s+"
    rf"(?:(?:if|whether|about)\s+|(?={_ASKING}))",
    rf"i\s+wonder(?:ed)?\s+(?:(?:if|whether|about)\s+|(?={_ASKING}))",
    rf"i(?:'?d|\s+would)?\s+(?:(?:just\s+)?(?:like|love|want|need|wanted)|wanna)\s+(?:to\s+)?"
    rf"(?:know|find\s+out|ask|understand|check)\s+(?:(?:if|whether|about)\s+|(?={_ASKING}))",
    rf"i(?:'ve|\s+have)?\s+(?:got\s+)?a\s+(?:(?:quick|short|small|little)\s+)?question"
    rf"(?:\s+(?:about|on|regarding)\s+|{_NEXT})",
)
_SURE_THANKS = (
    r"(?:thx|thnx|tks|tysm|ty|tia|pls|plz|many\s+thanks|thank(?:s|\s+you|\s+u)\s+(?:in\s+advance|so\s+much"
    r"|very\s+much|a\s+(?:lot|bunch|million)|again|heaps|for\s+(?:your|the|any)\s+help)|much\s+appreciated)"
)
_THANKS = (
    r"(?:thanks|thank\s+(?:you|u)|please|cheers(?:\s+mate)?|ta|(?:kind|best|warm)\s+regards|regards|best\s+wishes"
    r"|appreciated?(?:\s+it)?|any\s+(?:ideas?|help|thoughts)(?:\s+(?:is\s+)?appreciated)?|anyone(?:\s+knows?)?"
    r"|let\s+me\s+know)"
)
_NO_SIGN_OFF = (
    r"(?<!\bsay)(?<!\bsaying)(?<!\bsend)(?<!\bsending)(?<!\bgive)(?<!\bgiving)(?<!\bof)(?<!\bwith)(?<!\ba)"
    r"(?<!\bthe)(?<!\bmy)(?<!\byour)(?<!\bour)(?<!\bwrite)(?<!\bno)(?<!\bfor)(?<!\bto)(?<!\band)(?<!\bor)"
)
_BEGINNING = re.compile(rf"[\s,.!:;…–—-]*(?:{'|'.join(_BEGINNINGS)})", re.IGNORECASE)
_END = re.compile(
    rf"(?:(?:\s+|\s*[,.!;:–—-]+\s*|(?<=\?)\s*){_SURE_THANKS}|(?:\s*[,.!;:–—\n]+\s*|(?<=\?)\s*|\s+-+\s*){_THANKS}"
    rf"|{_NO_SIGN_OFF}\s+(?:thanks|thank\s+you|please))[\s,.!?)~:;-]*$",
    re.IGNORECASE,
)


def without_politeness(text: str) -> str:
    """The text from its first word of content to its last; the text itself where nothing else remains."""
    shorter = _ends_cut(_beginnings_cut(_bare(text)))
    return shorter if _says(shorter) else text


def _beginnings_cut(text: str) -> str:
    for _ in range(_ROUNDS):
        found = _BEGINNING.match(text, 0, _EDGE)
        rest = text[found.end() :] if found else ""
        if not _says(rest):
            break
        text = rest
    return text


def _ends_cut(text: str) -> str:
    for _ in range(_ROUNDS):
        found = _END.search(text, max(0, len(text) - _EDGE))
        rest = text[: found.start()].rstrip() if found else ""
        if not _says(rest):
            break
        text = rest
    return text


def _bare(text: str) -> str:
    """Without the symbols, such as emoji, that stand before and behind everything else."""
    start, end = 0, len(text)
    while start < end and _is_symbol(text[start]):
        start += 1
    while end > start and _is_symbol(text[end - 1]):
        end -= 1
    return text[start:end].strip() or text


def _is_symbol(character: str) -> bool:
    return character.isspace() or (
        ord(character) > 0x2190 and not character.isalnum() and character not in "？。」』"
    )


def _says(text: str) -> bool:
    """There is something to look for, or at least a few words: "what can you do"."""
    return says_something(text) or len(text.split()) > 2
