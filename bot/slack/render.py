"""Everything that Slack shows, in one place for `app`. Pure: neutral things → payloads."""

from bot.slack.answers import answer, closing, trouble, whole
from bot.slack.cards import ended, question
from bot.slack.flow import Flow
from bot.slack.notices import help_, link_card, notice, prompts, refused, sources, told, welcome

__all__ = [
    "Flow",
    "answer",
    "closing",
    "ended",
    "help_",
    "link_card",
    "notice",
    "prompts",
    "question",
    "refused",
    "sources",
    "told",
    "trouble",
    "welcome",
    "whole",
]
