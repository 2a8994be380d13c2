"""From what came back to the figures of the report. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tests.evals import metrics
from tests.evals.asking import Asked, Judged, Said
from tests.evals.texts import without_markers

LABELS = ("supported", "contradicted", "unsupported")


@dataclass(frozen=True, slots=True)
class Fact:
    """One sentence of an answer that states a fact, and how it stands in its sources."""

    question_id: str
    sentence: str
    cited: bool
    grounded: bool
    verbatim: bool
    """Its own words stand in a quote of the document: in one piece, or as a lead-in with its item or row."""


def facts_of(
    asked: Asked, document: Callable[[str], str], is_frame: Callable[[str], bool], names: Callable[..., str]
) -> list[Fact]:
    """`document` gives a source's own text by name; our own frames state no fact."""
    if asked.refused:
        return []
    stated = [said for said in asked.said if not is_frame(without_markers(said.text))]
    return [_fact(asked, said, document, names) for said in stated]


def _fact(asked: Asked, said: Said, document: Callable[[str], str], names: Callable[..., str]) -> Fact:
    sentence = without_markers(said.text)
    cited = [citation for citation in asked.citations if citation.n in said.n]
    texts = [(citation.quote, document(names(citation.doc_id))) for citation in cited]
    return Fact(
        asked.question.id,
        sentence,
        bool(cited),
        any(metrics.grounded(sentence, quote, text) for quote, text in texts),
        any(metrics.word_for_word(sentence, quote) and metrics.within(quote, text) for quote, text in texts),
    )


def retrieval(asked: Sequence[Asked]) -> dict[str, float]:
    """Over the answerable questions."""
    rows = [one for one in asked if one.question.answerable]
    return {
        "source found in top 5": metrics.mean(
            metrics.found(one.retrieved[:5], one.question.needed) for one in rows
        ),
        "precision@5, chunks": metrics.mean(
            metrics.precision(one.retrieved, one.question.expected_sources, 5) for one in rows
        ),
        "precision@5, documents": metrics.mean(
            metrics.precision(_documents(one), one.question.expected_sources, 5) for one in rows
        ),
        "precision@5, documents, of possible": metrics.mean(
            metrics.precision_of_possible(_documents(one), one.question.expected_sources, 5) for one in rows
        ),
        "recall@12": metrics.mean(
            metrics.recall(one.retrieved, one.question.expected_sources, 12) for one in rows
        ),
    }


def _documents(one: Asked) -> list[str]:
    return metrics.top_documents(one.retrieved, 5)


def answers(asked: Sequence[Asked], names: Callable[..., str]) -> dict[str, float]:
    answerable = [one for one in asked if one.question.answerable]
    unanswerable = [one for one in asked if not one.question.answerable]
    literal = [one for one in answerable if one.question.answer_must_contain]
    right = [_right(one, names) for one in answerable if one.citations]
    return {
        "literals present (all of a question)": metrics.mean(not literals_missing(one) for one in literal),
        "literals present (each)": metrics.mean(
            not metrics.missing_literals(one.text, [each])
            for one in literal
            for each in one.question.answer_must_contain
        ),
        "unanswerable refused": metrics.mean(one.refused for one in unanswerable),
        "answerable refused": metrics.mean(one.refused for one in answerable),
        "citation precision": metrics.mean(each for row in right for each in row),
        "citation recall": metrics.mean(
            metrics.share_found(cited_sources(one, names), one.question.needed) for one in answerable
        ),
        "turns that failed": float(sum(bool(one.trouble) for one in asked)),
    }


def cited_sources(one: Asked, names: Callable[..., str]) -> list[str]:
    return [names(citation.doc_id) for citation in one.citations]


def _right(one: Asked, names: Callable[..., str]) -> list[bool]:
    return [source in one.question.expected_sources for source in cited_sources(one, names)]


def literals_missing(one: Asked) -> list[str]:
    return metrics.missing_literals(one.text, one.question.answer_must_contain)


def groundedness(facts: Sequence[Fact]) -> dict[str, float]:
    return {
        "fact sentences": float(len(facts)),
        "… with a citation": metrics.mean(fact.cited for fact in facts),
        "groundedness": metrics.mean(fact.grounded for fact in facts),
        "… word for word in the source": metrics.mean(fact.verbatim for fact in facts),
    }


def latency(asked: Sequence[Asked]) -> dict[str, float]:
    first = [one.first_text_ms for one in asked if one.first_text_ms is not None]
    whole = [one.whole_ms for one in asked if one.whole_ms]
    return {
        f"{name} {label}": metrics.percentile(values, share)
        for name, values in (("first text", first), ("whole turn", whole))
        for label, share in (("p50 ms", 0.5), ("p95 ms", 0.95))
    }


def claims(judged: Sequence[Judged]) -> dict[str, Mapping[str, float]]:
    """Per label: how many, and how many verify.quote passed at 0.85."""
    return {label: _label([one for one in judged if one.claim.label == label]) for label in LABELS}


def _label(rows: Sequence[Judged]) -> dict[str, float]:
    on_page = [one for one in rows if one.passed_on_page is not None]
    return {
        "claims": float(len(rows)),
        "passed": float(sum(one.passed for one in rows)),
        "page among the 12": float(len(on_page)),
        "passed on its page": float(sum(bool(one.passed_on_page) for one in on_page)),
    }
