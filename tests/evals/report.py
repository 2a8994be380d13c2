"""The table on the terminal, and the same with every miss as JSON."""

import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.evals import metrics, scores
from tests.evals.asking import Asked, Judged
from tests.evals.scores import Fact

FOLDER = Path(os.environ.get("SWITCHBOARD_EVAL_FOLDER", "test-output/eval"))


@dataclass(frozen=True, slots=True)
class Target:
    """A figure has to reach `least`, or stay within `most`; as shown."""

    shown: str
    least: float = -math.inf
    most: float = math.inf

    def met(self, value: float) -> bool:
        return self.least <= value <= self.most


TARGETS = {
    "source found in top 5": Target("≥ 90 %", least=0.9),
    "literals present (each)": Target("≥ 75 %", least=0.75),
    "unanswerable refused": Target("≥ 85 %", least=0.85),
    "answerable refused": Target("≤ 5 %", most=0.05),
    "turns that failed": Target("0", most=0),
    "citation precision": Target("≥ 90 %", least=0.9),
    "citation recall": Target("≥ 50 %", least=0.5),
    "… with a citation": Target("100 %", least=1),
    "groundedness": Target("100 %", least=1),
    "… word for word in the source": Target("100 % (extractive)", least=1),
    "first text p50 ms": Target("≤ 60", most=60),
    "first text p95 ms": Target("≤ 150", most=150),
}
"""Of issues 3 and 5 and SPEC 14."""
SECTIONS: Mapping[str, tuple[str, ...]] = {
    "Retrieval, as the turn meets it": (
        "source found in top 5",
        "precision@5, chunks",
        "precision@5, documents",
        "precision@5, documents, of possible",
        "recall@12",
    ),
    "Answers": (
        "literals present (all of a question)",
        "literals present (each)",
        "unanswerable refused",
        "answerable refused",
        "facts in an answer",
        "turns that failed",
    ),
    "Citations": (
        "citation precision",
        "citation recall",
        "fact sentences",
        "… with a citation",
        "groundedness",
        "… word for word in the source",
    ),
    "Times": ("first text p50 ms", "first text p95 ms", "whole turn p50 ms", "whole turn p95 ms"),
}
COUNTS = ("fact sentences", "turns that failed")
NUMBERS = ("facts in an answer",)


@dataclass(slots=True)
class Report:
    settings: dict[str, str]
    figures: dict[str, float]
    claims: Mapping[str, Mapping[str, float]] = field(default_factory=dict[str, Mapping[str, float]])
    by_kind: Mapping[str, Mapping[str, float]] = field(default_factory=dict[str, Mapping[str, float]])
    misses: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    asked: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    abstaining: Mapping[str, Mapping[str, float]] = field(default_factory=dict[str, Mapping[str, float]])
    """By threshold: what would be refused (tests/evals/abstaining.py)."""

    @property
    def missed(self) -> list[str]:
        """The figures that were measured and do not reach their target."""
        known = ((name, self.figures.get(name, math.nan)) for name in TARGETS)
        return [name for name, value in known if not math.isnan(value) and not TARGETS[name].met(value)]


def make(
    settings: dict[str, str],
    asked: Sequence[Asked],
    facts: Sequence[Fact],
    judged: Sequence[Judged],
    names: Callable[..., str],
) -> Report:
    figures = scores.retrieval(asked) | scores.answers(asked, names)
    figures |= scores.groundedness(facts) | scores.latency(asked)
    answered = sum(not one.refused for one in asked)
    figures["facts in an answer"] = len(facts) / answered if answered else math.nan
    return Report(
        settings,
        figures,
        scores.claims(judged) if judged else {},
        _by_kind(asked, names),
        [*_missed_questions(asked, names), *_missed_facts(facts), *_missed_claims(judged)],
        [_told(one, names) for one in asked],
    )


def _by_kind(asked: Sequence[Asked], names: Callable[..., str]) -> dict[str, dict[str, float]]:
    kinds = sorted({one.question.kind for one in asked})
    return {kind: _of_kind([one for one in asked if one.question.kind == kind], names) for kind in kinds}


def _of_kind(rows: Sequence[Asked], names: Callable[..., str]) -> dict[str, float]:
    return {
        "questions": float(len(rows)),
        "found": scores.retrieval(rows)["source found in top 5"],
        "literals": scores.answers(rows, names)["literals present (all of a question)"],
        "refused": metrics.mean(one.refused for one in rows),
    }


def _missed_questions(asked: Sequence[Asked], names: Callable[..., str]) -> list[dict[str, Any]]:
    return [_told(one, names) | {"why": why} for one in asked if (why := _why(one, names))]


def _why(one: Asked, names: Callable[..., str]) -> list[str]:
    if one.trouble:
        return [f"failed: {one.trouble}"]
    if not one.question.answerable:
        return [] if one.refused else ["answered what nothing answers"]
    missing = scores.literals_missing(one)
    checks = {
        "source not in the top 5": not metrics.found(one.retrieved[:5], one.question.needed),
        "refused": one.refused,
        f"literals missing: {missing}": bool(missing) and not one.refused,
        "no right source cited": not one.refused
        and not metrics.found(scores.cited_sources(one, names), one.question.needed),
    }
    return [why for why, holds in checks.items() if holds]


def _told(one: Asked, names: Callable[..., str]) -> dict[str, Any]:
    return {
        "id": one.question.id,
        "asked": one.question.question,
        "expected": {
            "sources": one.question.needed if one.question.answerable else [],
            "literals": one.question.answer_must_contain,
        },
        "outcome": one.outcome,
        "answered": one.text,
        "cited": [
            {"n": citation.n, "source": names(citation.doc_id), "quote": citation.quote}
            for citation in one.citations
        ],
        "retrieved": one.retrieved[:5],
        "first_text_ms": one.first_text_ms,
        "whole_ms": one.whole_ms,
    }


def _missed_facts(facts: Sequence[Fact]) -> list[dict[str, Any]]:
    return [
        {"id": fact.question_id, "why": ["fact sentence not grounded"], "answered": fact.sentence}
        for fact in facts
        if not (fact.cited and fact.grounded)
    ]


def _missed_claims(judged: Sequence[Judged]) -> list[dict[str, Any]]:
    return [
        {
            "id": one.claim.id,
            "why": [one.trouble or f"{one.claim.label}, but {'passed' if one.passed else 'did not pass'}"],
            "asked": one.claim.sentence,
            "expected": one.claim.source_file,
            "answered": one.quote,
            "confidence": one.confidence,
            "passed_on_page": one.passed_on_page,
        }
        for one in judged
        if one.trouble or one.passed != (one.claim.label == "supported")
    ]


def write(report: Report, golden: Path) -> Path:
    """The JSON file's path."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{golden.stem}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    told = asdict(report) | {"missed": report.missed}
    path.write_text(json.dumps(_without_nan(told), indent=1, ensure_ascii=False), encoding="utf-8")
    return path


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(each) for key, each in cast(dict[str, Any], value).items()}
    if isinstance(value, list):
        return [_without_nan(each) for each in cast(list[Any], value)]
    return None if isinstance(value, float) and math.isnan(value) else value


def show(report: Report, console: Console, *, misses: bool = True) -> None:
    for title, names in SECTIONS.items():
        table = Table("", "measured", "target", "", box=None, title=title, title_justify="left", min_width=70)
        for name in names:
            if name in report.figures:
                table.add_row(name, _shown(name, report.figures[name]), *_judged(name, report.figures[name]))
        console.print(table)
    _show_rows(console, "Refused at each threshold of evidence (* in use)", report.abstaining)
    _show_rows(console, "Kinds of questions", report.by_kind)
    _show_rows(console, "Claims against verify.quote at 0.85", report.claims)
    if misses:
        _show_misses(console, report.misses)
    missed = report.missed
    told = (
        f"[bold red]{len(missed)} targets missed:[/bold red] {', '.join(missed)}"
        if missed
        else "All targets met"
    )
    console.print(f"\n{told}", highlight=False)


def _judged(name: str, value: float) -> tuple[str, str]:
    """The target, and whether it is reached."""
    target = TARGETS.get(name)
    if target is None or math.isnan(value):
        return target.shown if target else "", ""
    return target.shown, "ok" if target.met(value) else "[bold red]MISSED[/bold red]"


def _shown(name: str, value: float) -> str:
    if math.isnan(value):
        return "–"
    if name in COUNTS or name in NUMBERS:
        return f"{value:.0f}" if name in COUNTS else f"{value:.1f}"
    return f"{value:.0f} ms" if name.endswith(" ms") else f"{value:.1%}"


def _show_rows(console: Console, title: str, rows: Mapping[str, Mapping[str, float]]) -> None:
    if not rows:
        return
    columns = list(next(iter(rows.values())))
    table = Table("", *columns, box=None, title=title)
    for name, values in rows.items():
        table.add_row(name, *[_cell(values[column]) for column in columns])
    console.print(table)


def _cell(value: float) -> str:
    if math.isnan(value):
        return "–"
    return f"{value:.0f}" if (value == int(value) and value != 1) or value == 0 else f"{value:.2f}"


def _show_misses(console: Console, misses: Sequence[Mapping[str, Any]]) -> None:
    console.print(f"\n{len(misses)} misses")
    for miss in misses:
        console.print(f"[bold]{miss['id']}[/bold] {escape('; '.join(miss['why']))}", highlight=False)
        for name in ("asked", "expected", "answered"):
            if miss.get(name):
                console.print(f"   {name}: {miss[name]}", markup=False, highlight=False)
