"""A second opinion on sentences that nothing forbids: an NLI model, or a language model asked by the caller.

It may pass more; what the rules forbid stays forbidden, since numbers and names are where judges are weakest.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from knowledge.verify.source import Verdict

_WORTH_ASKING = 0.25
"""Below this confidence the passage is about something else."""
_HIGHEST = 0.97
"""Only the source's own words are certain."""


class Judge(Protocol):
    """Blocks for tens of milliseconds a pair: call it in a thread."""

    def entailed(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """For each (passage, sentence): how likely, 0-1, the passage says the sentence."""
        ...


class AsyncJudge(Protocol):
    """The same over a network. Raises kit.errors.Unavailable; the verdict without it then stands."""

    async def entailed(self, pairs: Sequence[tuple[str, str]]) -> list[float]: ...


def undecided(verdict: Verdict) -> bool:
    """Whether a judge may be asked about it: not supported, near enough, and no objection that forbids it."""
    forbidden = any(objection.fatal for objection in verdict.against)
    return not (verdict.supported or forbidden) and verdict.confidence >= _WORTH_ASKING


def judged(verdict: Verdict, entailed: float, threshold: float) -> Verdict:
    """The verdict with a judge's opinion of its quote; unchanged where no judge may be asked."""
    if not undecided(verdict):
        return verdict
    confidence = round(min(_HIGHEST, max(verdict.confidence, entailed)), 4)
    reasons = (*verdict.reasons, f"judge: {entailed:.2f}")
    return replace(
        verdict, supported=confidence >= threshold, confidence=confidence, reasons=reasons, layer="judge"
    )
