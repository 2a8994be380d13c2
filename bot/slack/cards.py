"""What the platform asks, as Slack cards; and how it ended (SPEC 5).

A card never decides: its buttons carry the interaction's id, and the platform checks who pressed. The words
of a tool stand quoted, as text. In a shared place a card says only that somebody is asked: what exactly is
asked, and with which arguments, only the modal shows.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from bot.core.asking import Field, fields_of
from bot.core.exact import exact
from bot.core.plain import shortened
from bot.core.questions import (
    are_you_sure,
    elsewhere,
    head,
    how_it_ended,
    is_destructive,
    single_choice,
    whose,
)
from bot.slack.blocks import (
    BUTTON_VALUE,
    CODE,
    NOTIFICATION,
    Block,
    actions,
    button,
    code,
    confirmation,
    context,
    header,
    link_button,
    packed,
    quoted,
    section,
    shown,
    when,
)
from bot.slack.forms import fits
from bot.slack.happened import Message
from bot.slack.inputs import FEW
from bot.slack.text import escaped
from kit.wire.interactions import Action, Form, Interaction

_SHOWN_ARGUMENTS: Final = 2 * CODE
"""Characters of arguments in a message; more of them are read in the modal, and allowed only there."""
_MESSAGES: Final = 4_500
"""Characters of all questions in one card."""
_TITLE: Final = 75
_SIGNS: Final = {"done": ":white_check_mark: ", "refused": ":no_entry_sign: ", "late": ":hourglass: ", "": ""}


def question(interaction: Interaction, shared: bool) -> Message:
    """`shared`: others read it."""
    if shared:
        blocks = [*_top(interaction), *_buttons_in_public(interaction)]
    else:
        blocks = [*_top(interaction), *_asked(interaction), *_buttons(interaction)]
    return Message(_notification(interaction, "needs your answer"), tuple(blocks))


def ended(interaction: Interaction, shared: bool = True) -> Message:
    """The same card without its buttons, and what came of it."""
    said = _said(interaction)
    details = [] if shared else list(_asked(interaction))
    at = f" · {when(interaction.answered_at)}" if interaction.answered_at else ""
    blocks = [header(interaction.title), *details, context(f"{said}{at}")]
    return Message(_notification(interaction, "is settled"), tuple(blocks))


def _said(interaction: Interaction) -> str:
    sign, text = how_it_ended(interaction)
    return f"{_SIGNS[sign]}{escaped(text)}"


def _top(interaction: Interaction) -> list[Block]:
    return [
        header(interaction.title),
        context(f"{_who(interaction)} · open until {when(interaction.expires_at)}"),
    ]


def _who(interaction: Interaction) -> str:
    others = interaction.asked_of != "me" and not interaction.mine_to_answer
    return f"{':hourglass_flowing_sand: ' if others else ''}{escaped(whose(interaction))}"


def _asked(interaction: Interaction) -> Iterator[Block]:
    room = _MESSAGES // max(1, len(interaction.forms))
    for form in interaction.forms:
        message = head(form)
        yield from quoted(message if len(message) <= room else shortened_lines(message, room))
        if form.url and len(interaction.forms) == 1:
            yield section("This page opens in your browser:")
            yield from code(form.url)
        if form.arguments is not None:
            yield section("*Exactly these arguments:*")
            yield from _arguments(form)
    yield from _long_titles(interaction)


def _arguments(form: Form) -> Iterator[Block]:
    text = exact(form.arguments or {})
    yield from code(text[:_SHOWN_ARGUMENTS])
    if len(text) > _SHOWN_ARGUMENTS:
        missing = len(text) - _SHOWN_ARGUMENTS
        yield context(f":warning: {missing:,} more characters: open all of it before you decide")


def shortened_lines(text: str, room: int) -> str:
    return f"{text[: room - 40].rstrip()} …\n(all of it in the form)"


def _long_titles(interaction: Interaction) -> Iterator[Block]:
    field = single_choice(interaction)
    if field and any(len(option.title) > _TITLE for option in field.options):
        lines = [f"{number}. {shown(option.title, 200)}" for number, option in enumerate(field.options, 1)]
        yield section("\n".join(lines)[:3_000])


def _buttons(interaction: Interaction) -> list[Block]:
    if not interaction.mine_to_answer:
        return [actions(_answer(interaction, "Withdraw", "cancel"))]
    if interaction.kind == "approval":
        return _approval(interaction)
    if (field := single_choice(interaction)) and (chosen := _choices(interaction, field)):
        return [actions(*chosen), actions(_decline(interaction))]
    return _form(interaction)


def _buttons_in_public(interaction: Interaction) -> list[Block]:
    if not interaction.mine_to_answer:
        return [actions(_answer(interaction, "Withdraw", "cancel"))]
    if not fits(interaction):
        return [_elsewhere(interaction), actions(_decline(interaction))]
    label = "Review" if interaction.kind == "approval" else "Open"
    return [actions(_open(interaction, label), _decline(interaction))]


def _approval(interaction: Interaction) -> list[Block]:
    form = interaction.forms[0] if interaction.forms else None
    fields = fields_of(form) if form else []
    long = form is not None and len(exact(form.arguments or {})) > _SHOWN_ARGUMENTS
    if long or len(fields) > 1 or (fields and fields[0].kind != "yes_no"):
        if not fits(interaction):
            return [_elsewhere(interaction), actions(_decline(interaction))]
        return [actions(_open(interaction, "Read all and decide"), _decline(interaction))]
    confirm = _sure(interaction) if form and is_destructive(form) else None
    allows = [_answer(interaction, "Allow", "accept", confirm=confirm, style="primary")]
    if fields:
        once, always = ({fields[0].name: value} for value in (False, True))
        label = f"Allow – {fields[0].title}"
        allows = [
            _answer(interaction, "Allow once", "accept", once, confirm=confirm, style="primary"),
            _answer(interaction, label, "accept", always, confirm=confirm, apart="always"),
        ]
    return [actions(*allows, _decline(interaction))]


def _sure(interaction: Interaction) -> Block:
    return confirmation("Are you sure?", are_you_sure(interaction), "Allow it", danger=True)


def _choices(interaction: Interaction, field: Field) -> list[Block]:
    """A button for each; none where there are too many, or one says more than a button carries."""
    values: list[dict[str, Any]] = [{field.name: option.value} for option in field.options]
    whole = [packed(_value(interaction, "accept", value)) for value in values]
    if len(values) > FEW or any(len(one) > BUTTON_VALUE for one in whole):
        return []
    numbered = any(len(option.title) > _TITLE for option in field.options)
    return [
        _answer(
            interaction,
            f"{number}. {option.title}" if numbered else option.title,
            "accept",
            value,
            apart=str(number),
        )
        for number, (option, value) in enumerate(zip(field.options, values, strict=True), 1)
    ]


def _form(interaction: Interaction) -> list[Block]:
    urls = [form.url for form in interaction.forms if form.url]
    fields = any(fields_of(form) for form in interaction.forms)
    if fields or len(urls) > 1:
        if not fits(interaction):
            return [_elsewhere(interaction), actions(_decline(interaction))]
        return [actions(_open(interaction, "Fill in" if fields else "Open"), _decline(interaction))]
    if urls:
        link = link_button("Open the page", urls[0], style="primary")
        done = _answer(interaction, "I am done there", "accept")
        return [actions(*([link] if link else []), done, _decline(interaction, "Not now"))]
    return [actions(_answer(interaction, "Agree", "accept", style="primary"), _decline(interaction))]


def _elsewhere(interaction: Interaction) -> Block:
    return section(elsewhere(interaction, "Slack"))


def _open(interaction: Interaction, label: str) -> Block:
    return button(label, "open_form", {"interaction": str(interaction.id)}, style="primary")


def _decline(interaction: Interaction, label: str = "") -> Block:
    if interaction.kind == "approval":
        return _answer(interaction, label or "Deny", "decline", style="danger")
    return _answer(interaction, label or "Decline", "decline")


def _answer(
    interaction: Interaction,
    label: str,
    action: Action,
    content: dict[str, Any] | None = None,
    *,
    apart: str = "",
    style: Any = None,
    confirm: Block | None = None,
) -> Block:
    value = _value(interaction, action, content)
    return button(label, "answer", value, apart=f"{action}{apart}", style=style, confirm=confirm)


def _value(interaction: Interaction, action: Action, content: dict[str, Any] | None) -> dict[str, Any]:
    value: dict[str, Any] = {"interaction": str(interaction.id), "action": action}
    return {**value, "content": content} if content else value


def _notification(interaction: Interaction, what: str) -> str:
    return escaped(shortened(f"{interaction.title} {what}.", NOTIFICATION))


def open_ones(interactions: Sequence[Interaction]) -> Iterator[Block]:
    """One line each, with a button that opens it: for App Home."""
    for one in interactions:
        line = f"*{shown(one.title, 150)}*\n{_who(one)} · until {when(one.expires_at)}"
        block = section(line)
        if one.mine_to_answer and fits(one):
            value = {"interaction": str(one.id)}
            block["accessory"] = button("Open", "open_form", value, apart=str(one.id))
        elif not one.mine_to_answer:
            block["accessory"] = button(
                "Withdraw", "answer", _value(one, "cancel", None), apart=f"cancel{one.id}"
            )
        yield block
