"""What may be shown of a model's text: facts that a source supports, and our own frames (SPEC 7)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from kit.wire.chat import Citation
from knowledge.verify import Source, Verdict, verify
from platform_api.chat.sentences import Sentence
from platform_api.llm.frames import is_frame


@dataclass(frozen=True, slots=True)
class Shown:
    """A sentence that passed: the text to append, and its citation where that is new."""

    delta: str
    citation: Citation | None = None


@dataclass(slots=True)
class Answer:
    """The answer so far. Its text is the deltas in a row."""

    threshold: float
    sources: list[Source] = field(default_factory=list[Source])
    citations: list[Citation] = field(default_factory=list[Citation])
    frames: list[str] = field(default_factory=list[str])
    facts: int = 0
    withheld: int = 0
    _deltas: list[str] = field(default_factory=list[str])
    _said: set[str] = field(default_factory=set[str])

    @property
    def text(self) -> str:
        return "".join(self._deltas).strip()

    def add_sources(self, sources: Sequence[Source]) -> None:
        known = {source.chunk_id for source in self.sources}
        self.sources.extend(source for source in sources if source.chunk_id not in known)

    def offer(self, sentence: Sentence) -> Shown | None:
        """None: withheld, or said already."""
        if sentence.text in self._said:
            return None
        if is_frame(sentence.text):
            return self._frame(sentence)
        verdict = verify(sentence.text, self.sources, self.threshold)
        if not verdict.supported or verdict.source is None:
            self.withheld += 1
            return None
        return self._fact(sentence, verdict, verdict.source)

    def _frame(self, sentence: Sentence) -> Shown:
        self.frames.append(sentence.text)
        return self._show(sentence, sentence.text, None)

    def _fact(self, sentence: Sentence, verdict: Verdict, source: Source) -> Shown:
        self.facts += 1
        known = self._cited(source, verdict)
        if known is not None:
            return self._show(sentence, f"{sentence.text} [{known.n}]", None)
        made = Citation(
            n=len(self.citations) + 1,
            sentence=sentence.text,
            doc_id=source.doc_id,
            chunk_id=source.chunk_id,
            url=source.url,
            title=source.title,
            section=source.section,
            page=source.page,
            quote=verdict.quote,
            confidence=verdict.confidence,
        )
        self.citations.append(made)
        return self._show(sentence, f"{sentence.text} [{made.n}]", made)

    def _cited(self, source: Source, verdict: Verdict) -> Citation | None:
        return next(
            (one for one in self.citations if one.chunk_id == source.chunk_id and one.quote == verdict.quote),
            None,
        )

    def _show(self, sentence: Sentence, text: str, citation: Citation | None) -> Shown:
        self._said.add(sentence.text)
        delta = f"{sentence.lead if self._deltas else sentence.lead.lstrip()}{text} "
        self._deltas.append(delta)
        return Shown(delta, citation)
