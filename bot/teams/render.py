"""Replies → activities, as plain dicts. Text, citations with their hover, AI label and feedback stand here;
cards in `bot.teams.cards`.

Limits: 28 KB a message, 20 citations, 80 characters of a citation's name, 160 of its abstract, 3 keywords of
28 (learn.microsoft.com, "Bot messages with AI-generated content", "Stream bot messages").
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from bot.core.citing import confidence, numbered, place
from bot.core.reply import Answer
from bot.teams.text import converted, escaped, pieces
from kit.wire.chat import Citation

Json = dict[str, Any]
LARGEST: Final = 27_000
"""Bytes of an activity: Teams takes 28 KB, and adds something itself."""
STREAMED: Final = 20_000
"""Bytes of text that are streamed; what is longer is written whole at the end."""
CITED: Final = 20
NAME, ABSTRACT, KEYWORD = 80, 160, 28
INFORMATIVE: Final = 1_000
LOOKING: Final = "Looking into it …"
GOES_ON: Final = "\n\n*I am still working on this; the rest will stand here.*"
UNSHOWN: Final = "I have something for you here that Teams did not let me show. Please ask again."
_ENTITY: Final = "https://schema.org/Message"
_EMPTY: Final = "There is no text in this answer."


def typing() -> Json:
    return {"type": "typing"}


def informative(text: str, sequence: int, stream: str = "") -> Json:
    """The first one, without `stream`, begins a stream; its id is the stream's."""
    return _streaming(text[:INFORMATIVE], "informative", sequence, stream)


def streaming(text: str, sequence: int, stream: str) -> Json:
    """text: all of it so far."""
    return _streaming(text, "streaming", sequence, stream)


def closing(activity: Mapping[str, Any], stream: str) -> Json:
    """The message that ends a stream."""
    info = {"type": "streaminfo", "streamId": stream, "streamType": "final"}
    return {**activity, "entities": [*activity.get("entities", ()), info]}


def answer(given: Answer, below: Sequence[Json] = ()) -> list[Json]:
    """One message, or as many as a long one needs: the first is the answer, the others go on. below:
    attachments of the first."""
    text = converted(given.text).strip() or _EMPTY
    whole = _answer(given, text, list(numbered(given.citations).values()), below)
    if weight(whole) <= LARGEST:
        return [whole]
    return _split(given, text, below)


def message(text: str, attachments: Sequence[Json] = ()) -> Json:
    """text: Markdown that is ours, or neutral."""
    made: Json = {"type": "message", "textFormat": "markdown", "text": text}
    return {**made, "attachments": list(attachments)} if attachments else made


def notice(text: str) -> Json:
    """Somebody else's words, or ours."""
    said = text.strip()[:4_000] or "Something went wrong on our side."
    return message("\n\n".join(escaped(line) for line in said.splitlines() if line.strip()))


def weight(activity: Mapping[str, Any]) -> int:
    """Bytes, as they are sent."""
    return len(json.dumps(activity, ensure_ascii=False).encode())


def citations(cited: Sequence[Citation]) -> Json:
    """The entity that labels a message as written by AI; its claims show on hover over `[n]`."""
    claims = [_claim(citation) for citation in cited[:CITED]]
    made: Json = {"type": _ENTITY, "@type": "Message", "@context": "https://schema.org", "@id": ""}
    made["additionalType"] = ["AIGeneratedContent"]
    return {**made, "citation": claims} if claims else made


def _split(given: Answer, text: str, below: Sequence[Json]) -> list[Json]:
    cited = list(numbered(given.citations).values())
    most = max(6_000, LARGEST - weight(_answer(given, "", cited, below)) - 200)
    parts = pieces(text, most)
    total = len(parts)
    made: list[Json] = []
    for number, part in enumerate(parts, 1):
        said = f"{part}\n\n*({number} of {total})*"
        shown = [one for one in cited if f"[{one.n}]" in part]
        made.append(_answer(given, said, cited if number == 1 else shown, below if number == 1 else ()))
    for each in made[1:]:
        each.pop("channelData", None)
    return made


def _answer(given: Answer, text: str, cited: Sequence[Citation], below: Sequence[Json]) -> Json:
    made = message(text, below)
    made["entities"] = [citations(cited)]
    if given.outcome != "refused":
        made["channelData"] = {"feedbackLoop": {"type": "default"}}
    return made


def _streaming(text: str, kind: str, sequence: int, stream: str) -> Json:
    info: Json = {"type": "streaminfo", "streamType": kind, "streamSequence": sequence}
    if stream:
        info["streamId"] = stream
    return {"type": "typing", "text": text, "entities": [info]}


def _claim(citation: Citation) -> Json:
    words = (citation.section, confidence(citation.confidence))
    appearance: Json = {
        "@type": "DigitalDocument",
        "name": _line(place(citation), NAME),
        "abstract": _line(citation.quote or citation.sentence, ABSTRACT) or "No quote.",
        "keywords": [_line(word, KEYWORD) for word in words if word],
    }
    if re.match(r"https?://", citation.url):
        appearance["url"] = citation.url
    return {"@type": "Claim", "position": citation.n, "appearance": appearance}


def _line(text: str, most: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"
