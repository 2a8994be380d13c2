"""Does a source say this? Quotes, spans and confidence (SPEC 7); pure, deterministic, no network."""

from knowledge.verify.source import Source, Verdict, source_of
from knowledge.verify.units import Unit, sentence_spans, split_sentences, units_of
from knowledge.verify.verdict import DEFAULT_THRESHOLD, verify

__all__ = [
    "DEFAULT_THRESHOLD",
    "Source",
    "Unit",
    "Verdict",
    "sentence_spans",
    "source_of",
    "split_sentences",
    "units_of",
    "verify",
]
