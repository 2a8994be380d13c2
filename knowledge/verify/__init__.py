"""Does a source say this? Quotes, spans and confidence (SPEC 7); pure, deterministic, no network."""

from knowledge.sentences import sentence_spans, split_sentences
from knowledge.verify.meaning import NOTHING, Meaning, Quantity, meaning_of
from knowledge.verify.prepared import Prepared, prepare
from knowledge.verify.source import Source, Verdict, source_of
from knowledge.verify.units import Unit, units_of
from knowledge.verify.verdict import DEFAULT_THRESHOLD, verify
from knowledge.verify.words import Words, words_of

__all__ = [
    "DEFAULT_THRESHOLD",
    "NOTHING",
    "Meaning",
    "Prepared",
    "Quantity",
    "Source",
    "Unit",
    "Verdict",
    "Words",
    "meaning_of",
    "prepare",
    "sentence_spans",
    "source_of",
    "split_sentences",
    "units_of",
    "verify",
    "words_of",
]
