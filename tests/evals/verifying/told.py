"""The figures of scored claims, as lines that are read: precision and recall, calibration, what passes."""

from collections import Counter
from collections.abc import Iterator, Sequence

from knowledge.verify import DEFAULT_THRESHOLD
from tests.evals.verifying.claims import Made
from tests.evals.verifying.fitting import curve, reliability


def curve_lines(
    scores: Sequence[float], supported: Sequence[bool], thresholds: Sequence[float]
) -> Iterator[str]:
    for point in curve(scores, supported, thresholds):
        yield (
            f"  at {point.threshold:.2f}: precision {point.precision:.3f}, recall {point.recall:.3f}, "
            f"{point.wrong} wrong of {point.passed}"
        )


def calibration_line(scores: Sequence[float], supported: Sequence[bool]) -> str:
    rows = reliability(scores, supported)
    return f"  said → held: {', '.join(f'{said:.2f}→{held:.2f} ({count})' for said, held, count in rows)}"


def contradictions_line(claims: Sequence[Made], scores: Sequence[float]) -> str:
    """By kind of change: how many pass at the default threshold, and of how many."""
    counts: Counter[str] = Counter()
    passed: Counter[str] = Counter()
    for one, score in zip(claims, scores, strict=True):
        if one.label == "contradicted":
            kind = one.kind.partition(",")[0]
            counts[kind] += 1
            passed[kind] += score >= DEFAULT_THRESHOLD
    table = ", ".join(f"{kind} {passed[kind]}/{count}" for kind, count in sorted(counts.items()))
    return f"  contradictions that pass: {passed.total()} of {counts.total()} ({table})"
