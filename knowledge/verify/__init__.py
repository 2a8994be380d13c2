"""Does a source say this? Quotes, spans and confidence (SPEC 7); deterministic, no network."""

from knowledge.sentences import sentence_spans, split_sentences
from knowledge.verify.conflict import Conflict, conflict
from knowledge.verify.explain import Explanation, Step, explain
from knowledge.verify.judge import AsyncJudge, Judge, judged, undecided
from knowledge.verify.meaning import NOTHING, Meaning, Quantity, meaning_of
from knowledge.verify.objection import Objection
from knowledge.verify.prepared import Prepared, prepare
from knowledge.verify.source import Source, Verdict, source_of
from knowledge.verify.units import Unit, units_of
from knowledge.verify.verdict import DEFAULT_THRESHOLD, verify
from knowledge.verify.words import Words, words_of

__all__ = [
    "DEFAULT_THRESHOLD",
    "NOTHING",
    "AsyncJudge",
    "Conflict",
    "Explanation",
    "Judge",
    "Meaning",
    "Objection",
    "Prepared",
    "Quantity",
    "Source",
    "Step",
    "Unit",
    "Verdict",
    "Words",
    "conflict",
    "explain",
    "judged",
    "meaning_of",
    "prepare",
    "sentence_spans",
    "source_of",
    "split_sentences",
    "undecided",
    "units_of",
    "verify",
    "words_of",
]
