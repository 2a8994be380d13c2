"""What the platform asks, as cards (SPEC 5).

A card never decides: its buttons carry the interaction's id, and the platform checks who pressed. Where
others read along, the message says only that somebody is asked; Teams shows the question itself to that
person alone (`refresh`), and to whoever else opens it how it stands.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bot.core.asking import Field
from bot.core.exact import exact
from bot.core.filling import slots, slots_of
from bot.core.plain import shortened
from bot.core.questions import are_you_sure, elsewhere, head, is_destructive, single_choice, whose
from bot.teams.cards.elements import (
    LIMIT,
    Card,
    Element,
    buttons,
    card,
    exactly,
    execute,
    heading,
    open_page,
    open_until,
    ours,
    quoted,
    refreshed,
    row,
    weight,
)
from bot.teams.cards.inputs import FEW, inputs
from bot.teams.happened import Who
from kit.wire.interactions import Action, Form, Interaction

_PAGE, _PAGE_LINES, _LINE = 6_000, 60, 700
"""Of the arguments on one page: bytes, lines, characters in a line."""
_MOST_PAGES: Final = 30
_SHORT: Final = 34
"""Characters of a button that is whole at phone width."""
_MESSAGES: Final = 6_000
"""Characters of all questions in one card."""


@dataclass(frozen=True, slots=True)
class Filled:
    """What was filled in ({id of the input: value}), what is wrong with it ({place: sentence}), and the zone
    that times were meant in."""

    given: Mapping[str, Any] = field(default_factory=dict[str, Any])
    wrong: Mapping[str, str] = field(default_factory=dict[str, str])
    zone: str = ""


def asking(
    interaction: Interaction, who: Who, shared: bool, *, filled: Filled | None = None, page: int = 0
) -> Card:
    """`shared`: for a message that others read; else what the person alone sees. `page`: of long
    arguments."""
    if shared:
        return waiting(interaction, who)
    made = _question(interaction, who, filled or Filled(), page)
    return made if weight(made) <= LIMIT else _beyond(interaction, who)


def waiting(interaction: Interaction, who: Who) -> Card:
    """For everybody: somebody is asked. Without what exactly, and with which arguments."""
    name = shortened(who.name, 80) or "one person"
    line = f"Waiting for {name}" if interaction.mine_to_answer else whose(interaction)
    label = "Review" if interaction.kind == "approval" else "Open"
    data = {**_data(interaction), "for": name}
    press = (
        [execute(label, "open", data, style="positive")]
        if interaction.mine_to_answer
        else [_withdraw(interaction)]
    )
    return card(
        [heading(interaction.title), open_until(line, interaction.expires_at), buttons(*press)],
        spoken=f"{interaction.title}. {line}.",
        refresh=refreshed("open", data, who.mri),
    )


def _question(interaction: Interaction, who: Who, filled: Filled, page: int) -> Card:
    body = [heading(interaction.title), open_until(whose(interaction), interaction.expires_at)]
    if filled.wrong:
        body.append(ours("**Please look at the marked fields once more.**", color="attention"))
    body += _asked(interaction, filled, page)
    if not interaction.mine_to_answer:
        body.append(buttons(_withdraw(interaction)))
    elif choice := _one_press(interaction, filled):
        body += [_press(interaction, choice, number) for number in range(len(choice.options))]
        body.append(buttons(_decline(interaction)))
    else:
        body.append(buttons(*_decisions(interaction, filled, page)))
    return card(
        body,
        spoken=f"{interaction.title}. This needs your answer.",
        refresh=refreshed("open", _data(interaction), who.mri),
    )


def _asked(interaction: Interaction, filled: Filled, page: int) -> Iterator[Element]:
    room = _MESSAGES // max(1, len(interaction.forms))
    shows_inputs = (
        interaction.mine_to_answer and not _one_press(interaction, filled) and not _by_buttons(interaction)
    )
    for at, form in enumerate(interaction.forms):
        yield from quoted(_message(interaction, form, room))
        if form.url:
            yield ours("This page opens in your browser:")
            yield from exactly(form.url)
            if len(interaction.forms) > 1 and (link := list(open_page("Open the page", form.url))):
                yield buttons(*link)
        if form.arguments is not None:
            yield from _arguments(form, page)
        if shows_inputs:
            for slot in slots_of(form, at):
                yield from inputs(slot, filled.given, filled.wrong.get(slot.place, ""), filled.zone)


def _message(interaction: Interaction, form: Form, room: int) -> str:
    text = head(form)
    if len(text) <= room:
        return text
    return f"{text[:room].rstrip()} …\n(All of it, in a terminal: switchboard answer {interaction.id})"


def _arguments(form: Form, page: int) -> Iterator[Element]:
    pages = _pages(form)
    of = f", part {page + 1} of {len(pages)}" if len(pages) > 1 else ""
    yield ours(f"**Exactly these arguments{of}:**")
    yield from exactly(pages[min(page, len(pages) - 1)])


def _pages(form: Form) -> list[str]:
    """Cut between lines where that can be."""
    found: list[str] = []
    page: list[str] = []
    for line in _short_lines(exact(form.arguments or {})):
        if page and (len(page) == _PAGE_LINES or weight([*page, line]) > _PAGE):
            found.append("\n".join(page))
            page = []
        page.append(line)
    return [*found, "\n".join(page)]


def _short_lines(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        for at in range(0, len(line), _LINE) if line else (0,):
            yield line[at : at + _LINE]


def pages_of(interaction: Interaction) -> int:
    return max((len(_pages(form)) for form in interaction.forms if form.arguments is not None), default=1)


def _decisions(interaction: Interaction, filled: Filled, page: int) -> list[Element]:
    if (pages := pages_of(interaction)) > _MOST_PAGES:
        return [_decline(interaction)]
    if pages > 1:
        return _through(interaction, filled, page, pages)
    return [*_accepts(interaction, filled), _decline(interaction)]


def _through(interaction: Interaction, filled: Filled, page: int, pages: int) -> list[Element]:
    """Whoever allows it has had all of it before their eyes."""
    back = execute("Back", "open", {**_data(interaction), "page": page - 1})
    onward = execute("Read on", "open", {**_data(interaction), "page": page + 1}, style="positive")
    before = [back] if page else []
    if page + 1 < pages:
        return [*before, onward, _decline(interaction)]
    return [*before, *_accepts(interaction, filled), _decline(interaction)]


def _accepts(interaction: Interaction, filled: Filled) -> list[Element]:
    form = interaction.forms[0] if interaction.forms else None
    if interaction.kind == "approval" and form is not None:
        return _sure(interaction, form, _allows(interaction, filled))
    links = [form.url for form in interaction.forms if form.url]
    if links and not slots(interaction):
        page = list(open_page("Open the page", links[0], "positive")) if len(links) == 1 else []
        return [*page, _accept(interaction, "I am done there", filled, style="default")]
    label = "Choose" if interaction.kind == "choice" else "Send" if slots(interaction) else "Agree"
    return [_accept(interaction, label, filled)]


def _allows(interaction: Interaction, filled: Filled) -> list[Element]:
    if not _by_buttons(interaction) or not (asked := slots(interaction)):
        return [_accept(interaction, "Allow", filled)]
    field_ = asked[0].field
    once, always = ({"content": {field_.name: value}} for value in (False, True))
    return [
        _accept(interaction, "Allow once", filled, more=once),
        _accept(interaction, f"Allow – {field_.title}", filled, more=always, style="default"),
    ]


def _sure(interaction: Interaction, form: Form, allows: list[Element]) -> list[Element]:
    """What is destructive takes a second press."""
    if not is_destructive(form):
        return allows
    inner = {"type": "AdaptiveCard", "body": quoted(are_you_sure(interaction)), "actions": allows}
    return [{"type": "Action.ShowCard", "title": "Allow …", "card": inner}]


def _by_buttons(interaction: Interaction) -> bool:
    """An approval that asks at most whether it shall hold for later, too."""
    asked = slots(interaction)
    yes_no = len(asked) <= 1 and all(slot.field.kind == "yes_no" for slot in asked)
    return interaction.kind == "approval" and yes_no


def _one_press(interaction: Interaction, filled: Filled) -> Field | None:
    """One press an option; None where there are many."""
    field_ = single_choice(interaction)
    if field_ is None or filled.wrong or len(field_.options) > FEW:
        return None
    return field_


def _press(interaction: Interaction, choice: Field, number: int) -> Element:
    """By number, since a tool's value may be of any length. Titles that a button would cut become rows."""
    data = {**_data(interaction, "accept"), _place(interaction): str(number)}
    titles = [option.title for option in choice.options]
    press = execute(titles[number], "answer", data)
    return buttons(press) if max(map(len, titles)) <= _SHORT else row(titles[number], press)


def _place(interaction: Interaction) -> str:
    return slots(interaction)[0].place


def _accept(
    interaction: Interaction,
    label: str,
    filled: Filled,
    *,
    more: Mapping[str, Any] | None = None,
    style: Any = "positive",
) -> Element:
    data = {**_data(interaction, "accept"), **(more or {})}
    if filled.zone:
        data["zone"] = filled.zone
    return execute(label, "answer", data, style=style, inputs=True)


def _decline(interaction: Interaction) -> Element:
    if interaction.kind == "approval":
        return execute("Deny", "answer", _data(interaction, "decline"), style="destructive")
    label = "Not now" if interaction.kind == "connect_account" else "Decline"
    return execute(label, "answer", _data(interaction, "decline"))


def _withdraw(interaction: Interaction) -> Element:
    return execute("Withdraw", "answer", _data(interaction, "cancel"))


def _data(interaction: Interaction, action: Action | None = None) -> dict[str, Any]:
    about = {"interaction": str(interaction.id)}
    return {**about, "action": action} if action else about


def _beyond(interaction: Interaction, who: Who) -> Card:
    """Teams cannot show all of it: answered where that can be, refused here all the same."""
    press: Sequence[Element] = (
        [_decline(interaction)] if interaction.mine_to_answer else [_withdraw(interaction)]
    )
    return card(
        [
            heading(interaction.title),
            open_until(whose(interaction), interaction.expires_at),
            *quoted(elsewhere(interaction, "Teams")),
            buttons(*press),
        ],
        spoken=f"{interaction.title}. This needs your answer.",
        refresh=refreshed("open", _data(interaction), who.mri),
    )
