"""Everything that Slack shows, in one place for `app`. Pure: neutral things → payloads."""

from bot.slack.answers import answer, closing, refusal, trouble, whole
from bot.slack.cards import ended, question
from bot.slack.flow import Flow
from bot.slack.notices import (
    asked_about,
    help_,
    link_card,
    notice,
    prompts,
    refused,
    sources,
    told,
    too_large,
    welcome,
)

__all__ = [
    "Flow",
    "answer",
    "asked_about",
    "closing",
    "ended",
    "help_",
    "link_card",
    "notice",
    "prompts",
    "question",
    "refusal",
    "refused",
    "sources",
    "told",
    "too_large",
    "trouble",
    "welcome",
    "whole",
]
