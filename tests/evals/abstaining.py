"""What the extractive model would refuse of a file's questions at each threshold of its evidence."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from platform_api.llm.extractive import decide
from platform_api.llm.extractive.evidence import ENOUGH, evidence
from platform_api.llm.extractive.question import parts_of, whole
from platform_api.llm.extractive.score import field_of, ranking
from platform_api.llm.extractive.statements import offers_of
from tests.evals import metrics
from tests.evals.corpus import Corpus, Found, opened
from tests.evals.golden import Question

_THRESHOLDS = (0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6)


async def abstaining(folder: Path, questions: Sequence[Question]) -> Mapping[str, Mapping[str, float]]:
    """By threshold, the one in use marked: the shares of answerable and of unanswerable questions refused."""
    async with opened(folder) as corpus:
        found = [(one.answerable, await _evidence(corpus, one.question)) for one in questions]
    return {
        f"{threshold:.2f}{'*' * (threshold == ENOUGH)}": {
            "answerable": metrics.mean(value < threshold for right, value in found if right),
            "unanswerable": metrics.mean(value < threshold for right, value in found if not right),
        }
        for threshold in sorted({*_THRESHOLDS, ENOUGH})
    }


async def _evidence(corpus: Corpus, question: str) -> float:
    meant = decide(question)
    return best_evidence(meant.question, await corpus.find(meant.query)) if meant.query else 0.0


def best_evidence(question: str, found: Found) -> float:
    """Of the whole question or one of its parts, whichever has more."""
    offers = offers_of(found.sources)
    if not offers:
        return 0.0
    field = field_of(offers, found.sources, found.scores, found.likeness)
    asked = [whole(question), *(part for part, _ in parts_of(question))]
    return max(evidence(one, ranking(one, offers, field), field) for one in asked)
