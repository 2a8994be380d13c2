"""What stands below an answer: its sources, what was missing, and how to ask it privately (SPEC 1 J1, 7).

Teams shows up to 20 citations of a message by itself; the rest, and those of whoever asks for them, are here.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from bot.core.citing import address, confidence, numbered, place
from bot.core.plain import shortened
from bot.core.reply import Answer, Trouble
from bot.core.words import missing, sentences
from bot.teams.cards.elements import (
    LIMIT,
    Card,
    Element,
    buttons,
    card,
    execute,
    heading,
    linked,
    ours,
    rich,
    run,
    said,
    weight,
    within,
)
from kit.wire.chat import Citation

BY_TEAMS: Final = 20
"""Citations that a message of Teams carries itself."""
_QUOTE: Final = 160
_ADDRESS: Final = 1_500


def answer(given: Answer, shared: bool) -> Card | None:
    """None: there is nothing to add to the text."""
    beyond = [one for one in numbered(given.citations).values() if one.n > BY_TEAMS]
    below = said(missing(given.degraded), subtle=True) if given.degraded else []
    press = [_privately(given)] if shared else []
    if not (beyond or below or press):
        return None
    actions = [buttons(*press)] if press else []
    room = LIMIT - weight([*below, *actions]) - 1_500
    body = [*(_listed("More sources", beyond, room) if beyond else []), *below, *actions]
    return card(body, spoken="More about this answer")


def sources(citations: Sequence[Citation], title: str = "Sources") -> Card:
    found = list(numbered(citations).values())
    body = (
        _listed(title, found, LIMIT - 1_000)
        if found
        else [heading(title), ours("That answer has no sources.")]
    )
    return card(body, spoken=title)


def trouble(given: Trouble, retry: bool = False) -> Card:
    """What happened, the next step, and the request id: never nothing."""
    sentence = sentences(given.detail, given.hint) or "Something went wrong on our side."
    body = [*said(f"⚠ {sentence}"), *said(f"Request id: {shortened(given.request_id, 80)}", subtle=True)]
    if retry and given.retryable:
        body.append(buttons(execute("Try again", "again", {}, style="positive")))
    return card(body, spoken=f"{sentence} Request id: {given.request_id}")


def _privately(given: Answer) -> Element:
    which = {"session": str(given.session_id), "message": str(given.message_id)}
    return execute("Answer me privately", "privately", which)


def _listed(title: str, citations: Iterable[Citation], room: int) -> list[Element]:
    lines, left = within([_line(citation) for citation in citations], room - 500)
    rest = said(f"and {left} more", subtle=True) if left else []
    return [heading(title), *lines, *rest]


def _line(citation: Citation) -> list[Element]:
    """(1) Title › Section, p. 2 · high confidence, and what the source says."""
    url = address(citation)
    name = linked(url, place(citation)) if len(url) <= _ADDRESS else run(place(citation))
    how = run(f" · {confidence(citation.confidence)}", subtle=True)
    line = rich(run(f"{citation.n}  ", bold=True), name, how, spacing="Medium")
    quote = (
        said(f"“{shortened(citation.quote, _QUOTE)}”", subtle=True, spacing="None")
        if citation.quote.strip()
        else []
    )
    return [line, *quote]
