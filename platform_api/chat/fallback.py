"""What is said where nothing of the model's text could be shown: an answer is never empty (SPEC 7)."""

from collections.abc import Iterator, Sequence

from knowledge.verify import split_sentences
from platform_api.chat.answer import Answer
from platform_api.chat.sentences import Sentence
from platform_api.llm.extractive import AnswerSentence, compose, decide
from platform_api.llm.frames import FrameName, render

# A hosted model that was only greeted did not search; the built-in rules know what was meant.
_SMALL_TALK: tuple[FrameName, ...] = (
    "greeting",
    "thanks",
    "goodbye",
    "fine",
    "sure",
    "sorry",
    "capabilities",
)


def instead(
    message: str, history: Sequence[str], answer: Answer, *, documents_down: bool
) -> Iterator[Sentence]:
    """What the sources do say; or that they say nothing, or cannot be searched, and whom to ask.

    history: the person's earlier messages, oldest first.
    """
    meant = decide(message, history)
    if answer.sources:
        return _quoted(meant.question, answer)
    if documents_down:
        return _frame("degraded")
    return _frame(meant.frame if meant.frame in _SMALL_TALK else "not_found")


def disagree(message: str, history: Sequence[str], answer: Answer) -> bool:
    """Whether the sources say different things on what was asked."""
    return _composed(message, history, answer)[0].frame == "disagree"


def disagreement(message: str, history: Sequence[str], answer: Answer) -> Iterator[Sentence]:
    """What the sources say against each other on what was asked, where the answer has told one side only."""
    sentences = _composed(message, history, answer)
    if sentences[0].frame != "disagree":
        return
    sides = [one for one in sentences[1:3] if one.source]
    cited = {one.chunk_id for one in answer.citations}
    told = [one for one in sides if one.source and one.source.chunk_id in cited]
    if len(told) == 1:
        yield from _frame("disagree")
        answer.forget(one.text for one in sides)
        yield from (Sentence(one.text, "\n- ") for one in sides)


def _composed(message: str, history: Sequence[str], answer: Answer) -> Sequence[AnswerSentence]:
    return compose(decide(message, history).question, answer.sources)


def _quoted(question: str, answer: Answer) -> Iterator[Sentence]:
    sentences = compose(question, answer.sources)
    if any(one.source for one in sentences):
        yield from _frame("found")
    for one in sentences:
        lead = "\n- " if one.source else ""
        yield from (Sentence(text, lead) for text in (split_sentences(one.text) if one.frame else [one.text]))


def _frame(name: FrameName) -> Iterator[Sentence]:
    return (Sentence(text) for text in split_sentences(render(name)))
