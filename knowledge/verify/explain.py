"""Why a sentence passed or did not, layer by layer, for the person who runs this (SPEC 7)."""

from collections.abc import Iterator
from dataclasses import dataclass

from knowledge.verify.features import NAMES
from knowledge.verify.objection import Objection
from knowledge.verify.source import Verdict

_CHECKS = {
    "number": "Numbers, units, times and bounds",
    "name": "Names",
    "negation": "Negations",
    "limit": "Restrictions (only, unless, without, until)",
    "modality": "Must, should and may",
    "quantity": "All, most, some, and how often",
    "direction": "Opposites, before and after",
    "order": "Who does what: order of names and numbers",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One layer. found: codes of what it objected to. told: in words."""

    layer: str
    passed: bool
    found: tuple[str, ...]
    told: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """decided: the layer that had the last word. measures: what the model weighed, by name; empty where
    it was not asked."""

    supported: bool
    confidence: float
    decided: str
    summary: str
    steps: tuple[Step, ...]
    measures: dict[str, float]


def explain(verdict: Verdict, threshold: float) -> Explanation:
    """What each layer said. Nothing is computed anew: a verdict holds all of it."""
    measures: dict[str, float] = {}
    if verdict.features:
        measures = {name: round(value, 3) for name, value in zip(NAMES, verdict.features.row, strict=True)}
        if verdict.features.cosine is None:
            del measures["cosine"]
    return Explanation(
        verdict.supported,
        verdict.confidence,
        verdict.layer,
        _summary(verdict, threshold),
        tuple(_steps(verdict, threshold)),
        measures,
    )


def _summary(verdict: Verdict, threshold: float) -> str:
    if verdict.source is None:
        return "No passage of the sources comes near this sentence."
    if verdict.layer == "verbatim":
        return f"The source's own words in “{verdict.source.title}”."
    if verdict.supported:
        return f"Said in other words in “{verdict.source.title}” ({verdict.confidence:.2f})."
    fatal = [one.reason for one in verdict.against if one.fatal]
    if fatal:
        return f"The nearest passage disagrees: {'; '.join(fatal)}."
    return (
        "The nearest passage does not disagree, but it is too far from the sentence: "
        f"{verdict.confidence:.2f}, and {threshold:.2f} is needed."
    )


def _steps(verdict: Verdict, threshold: float) -> Iterator[Step]:
    verbatim = verdict.layer == "verbatim"
    told = "The source's own words." if verbatim else "Not the source's own words."
    yield Step("verbatim", verbatim, (), told)
    if verbatim or verdict.source is None:
        return
    for layer, name in _CHECKS.items():
        yield _check(layer, name, [one for one in verdict.against if one.layer == layer])
    near = verdict.confidence >= threshold
    yield Step(
        "meaning", near, (), f"Nearness in meaning: {verdict.confidence:.2f}, {threshold:.2f} is needed."
    )


def _check(layer: str, name: str, found: list[Objection]) -> Step:
    if not found:
        return Step(layer, True, (), f"{name}: agree.")
    reasons = "; ".join(one.reason.partition(": ")[2] for one in found)
    return Step(
        layer, not any(one.fatal for one in found), tuple(one.code for one in found), f"{name}: {reasons}."
    )
