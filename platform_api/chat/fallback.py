"""What is said where nothing of the model's text could be shown: an answer is never empty (SPEC 7)."""

from collections.abc import Iterator

from knowledge.verify import split_sentences
from platform_api.chat.answer import Answer
from platform_api.chat.sentences import Sentence
from platform_api.llm.frames import FrameName, render


def instead(question: str, answer: Answer, documents_down: bool) -> Iterator[Sentence]:
    """That the documents say nothing, or that they cannot be searched, and whom to ask."""
    yield from _frame("degraded" if documents_down and not answer.sources else "not_found")


def _frame(name: FrameName) -> Iterator[Sentence]:
    return (Sentence(text) for text in split_sentences(render(name)))
