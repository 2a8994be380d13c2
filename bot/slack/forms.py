"""Forms as Slack modals, and what was filled in as the platform wants it (SPEC 5)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from bot.core.exact import exact
from bot.core.filling import complaints, content, slots_of, titled
from bot.core.plain import shortened
from bot.slack.blocks import (
    LABEL,
    VIEW_BLOCKS,
    Block,
    action_id,
    actions,
    code,
    link_button,
    modal_of,
    packed,
    plain,
    quoted,
    section,
)
from bot.slack.happened import ASK_MODAL, FILL_IN
from bot.slack.inputs import ACTION, TEXT, given, input_of, values_of
from bot.slack.text import escaped
from kit.wire.interactions import Interaction
from kit.wire.problem import FieldError

_QUESTION: Final = "question"
_COMPLAINTS: Final = 4
_VIEW: Final = 150_000
"""Characters in one view, markup included: below what its payload may weigh."""
_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "approval": ("Allow", "Back"),
    "choice": ("Choose", "Cancel"),
    "connect_account": ("I am done", "Cancel"),
}
"""Of the modal's buttons: submit, close."""


def modal(
    interaction: Interaction, about: Mapping[str, Any], wrong: Mapping[str, str] | None = None
) -> Block:
    """`about` goes into private_metadata beside the interaction's id; `wrong` ({block: sentence}, as
    `errors_of` says it) stands on top. Raises ValueError: Slack cannot show all of it."""
    lines = titled(interaction, wrong or {})[:_COMPLAINTS]
    blocks = [*(section(f":warning: {escaped(line)}") for line in lines), *_blocks(interaction)]
    if not blocks or not fits(interaction) or len(blocks) > VIEW_BLOCKS:
        raise ValueError("Slack cannot show this form")
    submit, close = _WORDS.get(interaction.kind, ("Send", "Cancel"))
    return modal_of(
        interaction.title,
        blocks,
        submit=submit,
        close=close,
        callback=FILL_IN,
        about={**about, "interaction": str(interaction.id)},
    )


def waiting() -> Block:
    """Shown while the answer is on its way."""
    return modal_of("One moment", [section("One moment …")], callback=FILL_IN)


def done(text: str) -> Block:
    """How it ended: in place of the form."""
    return modal_of("Done", [section(escaped(shortened(text, 500)) or "Done.")], callback=FILL_IN)


def fits(interaction: Interaction) -> bool:
    """Slack can show all of it in one modal, with a complaint or two."""
    sizes = [len(packed(block)) for block in _blocks(interaction)]
    return 0 < len(sizes) <= VIEW_BLOCKS - _COMPLAINTS and sum(sizes) <= _VIEW


def content_of(interaction: Interaction, state: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """`Respond.content`, and what is wrong: {block: sentence}. The platform checks the limits."""
    values, wrong = values_of(interaction, state)
    return content(interaction, values), wrong


def errors_of(interaction: Interaction, errors: Sequence[FieldError]) -> dict[str, str]:
    """The platform's complaints, {block: sentence}."""
    return complaints(interaction, errors)


def ask_modal(text: str, about: Mapping[str, Any]) -> Block:
    """What to ask about a message; `text` is what the message says."""
    element: Block = {
        "type": "plain_text_input",
        "action_id": ACTION,
        "multiline": True,
        "max_length": TEXT,
        "focus_on_load": True,
        "placeholder": plain("What does this mean for me?", 150),
    }
    asked = {
        "type": "input",
        "block_id": _QUESTION,
        "label": plain("Your question", LABEL),
        "element": element,
    }
    shown = quoted(shortened(text, 1_000)) if text.strip() else []
    return modal_of(
        "Ask about this", [*shown, asked], submit="Ask", close="Cancel", callback=ASK_MODAL, about=about
    )


def asked_in(state: Mapping[str, Any]) -> str:
    typed = given(state, _QUESTION).get("value")
    return typed.strip() if isinstance(typed, str) else ""


def _blocks(interaction: Interaction) -> Iterator[Block]:
    for at, form in enumerate(interaction.forms):
        yield from quoted(form.message)
        if form.url:
            yield section("Open this page, and come back here:")
            yield from code(form.url)
            if link := link_button("Open the page", form.url, style="primary"):
                yield actions({**link, "action_id": action_id("connect", str(at))})
        if form.arguments is not None:
            yield section("*Exactly these arguments:*")
            yield from code(exact(form.arguments))
        for slot in slots_of(form, at):
            yield from input_of(slot)
