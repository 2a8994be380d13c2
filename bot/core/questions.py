"""What is said about an interaction besides its form: whose it is, what it risks, how it ended (SPEC 5).

Plain text: a channel adds its own marks and escapes it.
"""

from typing import Final, Literal

from bot.core.asking import Field, fields_of
from bot.core.plain import shortened
from kit.wire.interactions import Form, Interaction

Sign = Literal["done", "refused", "late", ""]
"""What a channel may show before the sentence."""
_DESTRUCTIVE: Final = "\nRisk: destructive"
"""As the gateway words its question; nobody else can ask for an approval."""
_OUTCOMES: Final[dict[tuple[str, str], tuple[Sign, str]]] = {
    ("approval", "accept"): ("done", "Allowed"),
    ("approval", "decline"): ("refused", "Denied"),
    ("", "accept"): ("done", "Answered"),
    ("", "decline"): ("refused", "Declined"),
    ("", "cancel"): ("refused", "Withdrawn"),
}
_ENDED: Final[dict[str, tuple[Sign, str]]] = {
    "expired": ("late", "The time to answer this is over. Nothing was done."),
    "cancelled": ("refused", "Withdrawn. Nothing was done."),
    "answered": ("done", "Answered"),
    "open": ("", "This is settled."),
}
NOT_YOURS: Final = "This was asked of somebody else, so I did nothing."
ONLY_THE_ASKER: Final = "Only the person who asked can do this. Ask me yourself and I will answer you."
ARRIVED: Final = "Your answer has arrived. You can close this."


def whose(interaction: Interaction) -> str:
    if interaction.asked_of == "me":
        return "Only you can answer this" if interaction.mine_to_answer else "Not yours to answer"
    if interaction.mine_to_answer:
        return f"Asked by {shortened(interaction.asked_by, 100) or 'somebody'}, who cannot decide it alone"
    return "Waiting for a second person to decide"


def how_it_ended(interaction: Interaction) -> tuple[Sign, str]:
    if interaction.status != "answered" or interaction.outcome is None:
        return _ENDED[interaction.status]
    kind = "approval" if interaction.kind == "approval" and interaction.outcome != "cancel" else ""
    return _OUTCOMES[(kind, interaction.outcome)]


def head(form: Form) -> str:
    """Its message without the arguments of an approval: a channel shows those exactly, by `core.exact`."""
    return form.message.partition("\nArguments:")[0] if form.arguments is not None else form.message


def is_destructive(form: Form) -> bool:
    return _DESTRUCTIVE in head(form)


def are_you_sure(interaction: Interaction) -> str:
    return f"{shortened(interaction.tool, 120)} is destructive: what it does may not be undone."


def single_choice(interaction: Interaction) -> Field | None:
    """The one field of a question that one press answers; None: it is another question."""
    if interaction.kind != "choice" or len(interaction.forms) != 1:
        return None
    fields = fields_of(interaction.forms[0])
    return fields[0] if len(fields) == 1 and fields[0].kind == "one_of" else None


def elsewhere(interaction: Interaction, channel: str) -> str:
    """Where the channel (`Slack`) cannot show the form."""
    return (
        f"This is more than {channel} can show. Answer it in a terminal:"
        f" `switchboard answer {interaction.id}`."
    )
