"""The table on the terminal, and the same with every miss as JSON."""

import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.evals import metrics, scores
from tests.evals.asking import Asked, Judged
from tests.evals.scores import Fact

FOLDER = Path(os.environ.get("SWITCHBOARD_EVAL_FOLDER", "test-output/eval"))
TARGETS = {
    "source found in top 5": "≥ 75 %",
    "unanswerable refused": "≥ 70 %",
    "… with a citation": "100 %",
    "groundedness": "100 %",
    "… word for word in the source": "100 % (extractive)",
    "citation precision": "≥ 97 %",
    "citation recall": "≥ 50 %",
    "first text p50 ms": "≤ 60",
    "first text p95 ms": "≤ 150",
}
"""Of issue 3 and SPEC 14."""
COUNTS = ("fact sentences", "turns that failed")


@dataclass(slots=True)
class Report:
    settings: dict[str, str]
    figures: dict[str, float]
    claims: Mapping[str, Mapping[str, float]] = field(default_factory=dict[str, Mapping[str, float]])
    by_kind: Mapping[str, Mapping[str, float]] = field(default_factory=dict[str, Mapping[str, float]])
    misses: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    asked: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


def make(
    settings: dict[str, str],
    asked: Sequence[Asked],
    facts: Sequence[Fact],
    judged: Sequence[Judged],
    names: Callable[..., str],
) -> Report:
    figures = scores.retrieval(asked) | scores.answers(asked, names)
    figures |= scores.groundedness(facts) | scores.latency(asked)
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
    path.write_text(json.dumps(_without_nan(asdict(report)), indent=1, ensure_ascii=False), encoding="utf-8")
    return path


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_without_nan(each) for each in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def show(report: Report, console: Console, *, misses: bool = True) -> None:
    table = Table("figure", "measured", "target", box=None, title="Answers")
    for name, value in report.figures.items():
        table.add_row(name, _shown(name, value), TARGETS.get(name, ""))
    console.print(table)
    _show_rows(console, "Kinds of questions", report.by_kind)
    _show_rows(console, "Claims against verify.quote at 0.85", report.claims)
    if misses:
        _show_misses(console, report.misses)


def _shown(name: str, value: float) -> str:
    if math.isnan(value):
        return "–"
    if name in COUNTS:
        return f"{value:.0f}"
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
