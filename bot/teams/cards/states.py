"""How a question stands: answered, over, withdrawn, on its way, somebody else's (SPEC 5)."""

from typing import Any, Final
from uuid import UUID

from bot.core.filling import slots
from bot.core.plain import shortened
from bot.core.questions import NOT_YOURS, head, how_it_ended, single_choice
from bot.teams.cards.elements import (
    TITLE,
    Card,
    Element,
    buttons,
    card,
    execute,
    facts,
    heading,
    ours,
    quoted,
    refreshed,
    said,
)
from bot.teams.cards.texts import escaped, when
from bot.teams.happened import Who
from kit.wire.interactions import Interaction

_SIGNS: Final = {"done": "✔ ", "refused": "✖ ", "late": "⌛ ", "": ""}
_MESSAGE: Final = 1_500


def state(interaction: Interaction, shared: bool, *, by: str = "", chosen: str = "") -> Card:
    """The same card without its buttons, and what came of it. `by`: who answered, where we know; `chosen`:
    what, only for the person's own eyes."""
    sign, sentence = how_it_ended(interaction)
    body = [heading(interaction.title)]
    if not shared:
        for form in interaction.forms[:3]:
            body += quoted(shortened_lines(head(form)))
        body += facts([("Answer", chosen)])
    body.append(ours(_SIGNS[sign] + escaped(sentence, TITLE)))
    body += _by(interaction, by)
    return card(body, spoken=f"{interaction.title}: {sentence}")


def _by(interaction: Interaction, by: str) -> list[Element]:
    parts = [f"by {escaped(by, 80)}"] if by and interaction.status == "answered" else []
    if interaction.answered_at:
        parts.append(when(interaction.answered_at))
    return [ours(" · ".join(parts), subtle=True)] if parts else []


def shortened_lines(text: str) -> str:
    return text if len(text) <= _MESSAGE else f"{text[:_MESSAGE].rstrip()} …"


def chosen(interaction: Interaction, values: dict[str, Any]) -> str:
    """The title of what was chosen, where it was one of several."""
    field = single_choice(interaction)
    if field is None:
        return ""
    value = values.get(slots(interaction)[0].place)
    return next((option.title for option in field.options if option.value == value), "")


def working(interaction_id: UUID, who: Who) -> Card:
    """The answer has arrived, and takes longer than Teams waits: Teams asks again."""
    data = {"interaction": str(interaction_id)}
    return card(
        [heading("One moment …"), ours("Your answer has arrived, and I am working on it.")],
        [execute("How is it going?", "open", data)],
        spoken="I am working on it.",
        refresh=refreshed("open", data, who.mri),
    )


def not_theirs(waits_for: str) -> Card:
    """For whoever was not asked: how it stands for them, and nothing of what is asked."""
    name = shortened(waits_for, 80)
    line = f"Only {name} can answer this." if name else "Only the person who was asked can answer this."
    return card([heading("Not yours to answer"), *said(line), *said(NOT_YOURS, subtle=True)], spoken=line)


def unreachable(sentence: str, request_id: str, verb: str, data: dict[str, Any]) -> Card:
    """It did not work: what happened, the next step, the request id, and the same press once more."""
    return card(
        [
            heading("That did not work"),
            *said(f"⚠ {sentence}"),
            *said(f"Request id: {shortened(request_id, 80)}", subtle=True),
            buttons(execute("Try again", verb, data, style="positive")),
        ],
        spoken=sentence,
    )
