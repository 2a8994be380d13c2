"""What may be shown of a model's text: facts that a source supports, and our own frames (SPEC 7)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from kit.wire.chat import Citation
from knowledge.verify import Source, Verdict, verify
from platform_api.chat.checking import Checked, check, said_instead, statement_at
from platform_api.chat.sentences import Sentence
from platform_api.chat.settings import Policy
from platform_api.llm.extractive.outdated import outdated_among
from platform_api.llm.frames import is_frame, render

UNVERIFIED = "(unverified)"
_ITEM = "\n- "


@dataclass(frozen=True, slots=True)
class Shown:
    """A change of what is shown: text to append, with its citation where that is new.

    retracts: the delta, shown earlier, that goes first.
    """

    delta: str
    citation: Citation | None = None
    retracts: str = ""


@dataclass(frozen=True, slots=True)
class Withheld:
    """layer: what refused it (see checking). repaired: its source's own words were shown in its place."""

    sentence: str
    layer: str
    repaired: bool


@dataclass(slots=True)
class Answer:
    """The answer so far. Its text is the deltas in a row, without those that were retracted.

    Under `strict` what no source supports is replaced by what the nearest place says, or left out; under
    `mark` it is shown as unverified, unless a source says otherwise.
    """

    threshold: float
    policy: Policy = "strict"
    sources: list[Source] = field(default_factory=list[Source])
    citations: list[Citation] = field(default_factory=list[Citation])
    frames: list[str] = field(default_factory=list[str])
    facts: int = 0
    withheld: list[Withheld] = field(default_factory=list[Withheld])
    _deltas: list[str] = field(default_factory=list[str])
    _said: set[str] = field(default_factory=set[str])
    _lead_in: tuple[str, Source] | None = None
    _outdated: set[UUID] = field(default_factory=set[UUID])
    """Documents of which it was said already that they may be out of date."""
    _marked: list[tuple[Sentence, str, int]] = field(default_factory=list[tuple[Sentence, str, int]])

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
            self._lead_in = None
            self.frames.append(sentence.text)
            return self._show(sentence, sentence.text, None)
        if sentence.lead == _ITEM and (led := self._led(sentence)):
            return self._fact(sentence, led)
        if sentence.lead != _ITEM:
            self._lead_in = None
        checked = check(sentence, self.sources, self.threshold)
        if checked.layer:
            return self._instead(sentence, checked)
        if _is_fragment(checked.verdict):
            return self._repaired(sentence, checked.verdict, "list")
        return self._fact(sentence, checked.verdict)

    def forget(self, sentences: Iterable[str]) -> None:
        """They may be said once more: side by side with what disagrees."""
        self._said.difference_update(sentences)

    def settle(self) -> Iterator[Shown]:
        """Once all sources are known: what was marked is looked at again where sources have come since."""
        marked, self._marked = self._marked, []
        for sentence, delta, known in marked:
            if len(self.sources) == known:
                continue
            checked = check(sentence, self.sources, self.threshold)
            now = (
                self._repaired(sentence, checked.verdict, checked.layer)
                if checked.layer
                else self._fact(sentence, checked.verdict)
            )
            if now:
                self._deltas.remove(delta)
                yield replace(now, retracts=delta)

    def _instead(self, sentence: Sentence, checked: Checked) -> Shown | None:
        shown = self._repaired(sentence, checked.verdict, checked.layer)
        if shown or self.policy == "strict":
            return shown
        marked = self._show(sentence, f"{sentence.text} {UNVERIFIED}", None)
        self._marked.append((sentence, marked.delta, len(self.sources)))
        return marked

    def _repaired(self, sentence: Sentence, nearest: Verdict, layer: str) -> Shown | None:
        """The source's own words in place of the sentence, once; None where there are none to the point."""
        statement = said_instead(sentence.text, nearest)
        verdict = verify(statement.text, [nearest.source]) if statement and nearest.source else None
        repaired = bool(statement and verdict and verdict.supported and verdict.source)
        self.withheld.append(Withheld(sentence.text, layer, repaired))
        if not (statement and verdict and repaired) or statement.text in self._said:
            return None
        return self._fact(Sentence(statement.text, sentence.lead), verdict)

    def _led(self, sentence: Sentence) -> Verdict | None:
        """An item of a list says something only under the list's own lead-in, and with it."""
        if self._lead_in is None:
            return None
        lead, source = self._lead_in
        verdict = verify(f"{lead} {sentence.text}", [source], self.threshold)
        return verdict if verdict.supported else None

    def _fact(self, sentence: Sentence, verdict: Verdict) -> Shown:
        assert verdict.source is not None, "what is supported has its source"
        self.facts += 1
        if sentence.text.endswith(":"):
            self._lead_in = sentence.text, verdict.source
        warning = self._warning(verdict.source)
        known = self._cited(verdict.source, verdict)
        if known is not None:
            return self._show(sentence, f"{sentence.text} [{known.n}]{warning}", None)
        made = _citation(len(self.citations) + 1, sentence.text, verdict, verdict.source)
        self.citations.append(made)
        return self._show(sentence, f"{sentence.text} [{made.n}]{warning}", made)

    def _warning(self, source: Source) -> str:
        """Said once of each document that is out of date by its own words."""
        if source.doc_id in self._outdated or source.doc_id not in outdated_among(self.sources):
            return ""
        self._outdated.add(source.doc_id)
        return f" {render('outdated')}"

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


def _is_fragment(verdict: Verdict) -> bool:
    """Only an item of a list with a lead-in says this, and it is no whole sentence."""
    statement = statement_at(verdict)
    if statement is None or statement.unit.kind != "item" or not statement.unit.lead:
        return False
    inside = statement.unit.span[0] <= verdict.start and verdict.end <= statement.unit.span[1]
    return inside and not verdict.quote.rstrip().endswith((".", "!"))


def _citation(n: int, sentence: str, verdict: Verdict, source: Source) -> Citation:
    return Citation(
        n=n,
        sentence=sentence,
        doc_id=source.doc_id,
        chunk_id=source.chunk_id,
        url=source.url,
        title=source.title,
        section=source.section,
        page=source.page,
        quote=verdict.quote,
        confidence=verdict.confidence,
    )
