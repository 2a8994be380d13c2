"""What Teams users see, as Adaptive Cards 1.5: data in, dicts out (SPEC 1, 5; issue 9).

Each card stays below what Teams takes, names no colour, and shows what documents, tools and people wrote as
text.
"""

from bot.teams.cards.asking import Filled, asking, waiting
from bot.teams.cards.elements import Card, attachment, message, weight
from bot.teams.cards.notices import booked, help_, job, link, notice, quarantined, told, welcome
from bot.teams.cards.sources import answer, sources, trouble
from bot.teams.cards.states import not_theirs, state, unreachable, working

__all__ = [
    "Card",
    "Filled",
    "answer",
    "asking",
    "attachment",
    "booked",
    "help_",
    "job",
    "link",
    "message",
    "not_theirs",
    "notice",
    "quarantined",
    "sources",
    "state",
    "told",
    "trouble",
    "unreachable",
    "waiting",
    "weight",
    "welcome",
    "working",
]
