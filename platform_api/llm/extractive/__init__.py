"""The model that needs no network: it decides by rules, searches, and answers in the sources' own words."""

from platform_api.llm.extractive.compose import AnswerSentence, compose
from platform_api.llm.extractive.decide import Decision, decide

__all__ = ["AnswerSentence", "Decision", "compose", "decide"]
