"""What is said where nothing of the model's text could be shown: an answer is never empty (SPEC 7)."""

from collections.abc import Iterator

from knowledge.verify import split_sentences
from platform_api.chat.answer import Answer
from platform_api.chat.sentences import Sentence
from platform_api.llm.extractive import compose, decide
from platform_api.llm.frames import FrameName, render

# A hosted model that was only greeted did not search; the built-in rules know what was meant.
_SMALL_TALK: tuple[FrameName, ...] = ("greeting", "thanks", "goodbye", "capabilities")


def instead(question: str, answer: Answer, documents_down: bool) -> Iterator[Sentence]:
    """What the sources do say; or that they say nothing, or cannot be searched, and whom to ask."""
    if answer.sources:
        return _quoted(question, answer)
    if documents_down:
        return _frame("degraded")
    meant = decide(question).frame
    return _frame(meant if meant in _SMALL_TALK else "not_found")


def _quoted(question: str, answer: Answer) -> Iterator[Sentence]:
    sentences = compose(question, answer.sources)
    if any(one.source for one in sentences):
        yield from _frame("found")
    for one in sentences:
        lead = "\n- " if one.source else ""
        yield from (Sentence(text, lead) for text in (split_sentences(one.text) if one.frame else [one.text]))


def _frame(name: FrameName) -> Iterator[Sentence]:
    return (Sentence(text) for text in split_sentences(render(name)))
