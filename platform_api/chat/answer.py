"""What may be shown of a model's text: facts that a source supports, and our own frames (SPEC 7)."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from kit.wire.chat import Citation
from knowledge.embed import Embedder, SentenceVectors
from knowledge.verify import Source, Verdict, split_sentences, verify, words_of
from platform_api.chat.checking import BROKEN, Checked, check, said_instead, statement_at, statement_before
from platform_api.chat.objecting import ABOUT, SIGN, WRITING, objection
from platform_api.chat.opening import opened_at
from platform_api.chat.sentences import Sentence
from platform_api.chat.settings import Policy
from platform_api.llm.extractive.outdated import outdated_among
from platform_api.llm.frames import FrameName, frame_of, render

UNVERIFIED = "(unverified)"
MOST_SENTENCES = 300
"""Of one answer: a model that never ends is not read for ever."""
_ITEM = "\n- "
_NEVER = frozenset([WRITING, SIGN, ABOUT, BROKEN])
_LEANING = frozenset(
    """
    it they this these that those he she such its their his her both neither
    """.split()  # noqa: SIM905  a list of words to read
)
_FIRST_WORDS = 40
"""Letters within which the first word of a sentence ends."""


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
    `mark` it is shown as unverified, unless a source says otherwise. true_frame: whether what a frame says
    holds in this turn; a model may write "The documents disagree" when they do not.
    """

    threshold: float
    policy: Policy = "strict"
    sources: list[Source] = field(default_factory=list[Source])
    citations: list[Citation] = field(default_factory=list[Citation])
    frames: list[str] = field(default_factory=list[str])
    facts: int = 0
    stated: bool = False
    """A tool of ours has said to the person what it did."""
    withheld: list[Withheld] = field(default_factory=list[Withheld])
    true_frame: Callable[[FrameName], bool] = lambda _: True
    embedder: Embedder | None = None
    """Of the vectors that stand with the sources."""
    _deltas: list[str] = field(default_factory=list[str])
    _said: set[str] = field(default_factory=set[str])
    _offered: int = 0
    _lead_in: tuple[str, Source] | None = None
    _unled: tuple[Sentence, Verdict] | None = None
    """A lead-in that is shown with its first item, or not at all."""
    _last: tuple[UUID, int] | None = None
    """Chunk and place where the quote of the last shown fact ends."""
    _outdated: set[UUID] = field(default_factory=set[UUID])
    """Documents of which it was said already that they may be out of date."""
    _marked: list[tuple[Sentence, str, int]] = field(default_factory=list[tuple[Sentence, str, int]])

    @property
    def text(self) -> str:
        return "".join(self._deltas).strip()

    def add_sources(self, sources: Sequence[Source]) -> None:
        known = {source.chunk_id for source in self.sources}
        self.sources.extend(source for source in sources if source.chunk_id not in known)

    def add_vectors(self, embedder: Embedder, vectors: Mapping[UUID, SentenceVectors]) -> None:
        """Those that the index keeps with the sources, as this embedder makes them."""
        same = self.embedder is embedder
        self.embedder = embedder
        self.sources = [
            replace(one, sentences=vectors.get(one.chunk_id, one.sentences if same else None))
            for one in self.sources
        ]

    def check(self, sentence: Sentence) -> Checked:
        """By words; by vectors, too, where neither the source's own words nor a rule decide."""
        checked = check(sentence, self.sources, self.threshold)
        if self.embedder is None or not checked.by_meaning:
            return checked
        return check(sentence, self.sources, self.threshold, self.embedder)

    def offer(self, sentence: Sentence, checked: Checked | None = None) -> list[Shown]:
        """Nothing where it is withheld, or said already. checked: where that was done before."""
        self._offered += 1
        if _form(sentence.text) in self._said or self._offered > MOST_SENTENCES:
            return []
        if frame := frame_of(sentence.text):
            return self._frame(sentence, frame)
        if sentence.lead == _ITEM and self._lead_in:
            if led := self._led(sentence):
                return [*self._opened(), self._fact(sentence, led)]
            # It is no item of that list: under its lead-in it would say something else.
            sentence = replace(sentence, lead="\n\n")
        self._close()
        checked = checked or self.check(sentence)
        if checked.layer:
            return self._instead(sentence, checked)
        if _is_fragment(checked.verdict):
            return self._repaired(sentence, checked.verdict, "list")
        return self._proven(sentence, checked.verdict)

    def in_words_of(self, source: Source, most: int) -> list[Shown]:
        """The first sentences of a source, as they stand there."""
        shown: list[Shown] = []
        at = 0
        for text in [one for line in source.text.splitlines() for one in split_sentences(line)][:most]:
            start = source.text.find(text, at)
            if start < 0 or _form(text) in self._said:
                continue
            at = start + len(text)
            verdict = Verdict(True, 1.0, text, start, at, source, (), "verbatim")
            shown.append(self._fact(Sentence(_unlinked(text), _ITEM), verdict))
        return shown

    def state(self, text: str) -> Shown:
        """What a tool of ours says to the person, as it stands: it is its own proof, and cites nothing."""
        self._close()
        self._last, self.stated = None, True
        self._said.update(_form(one) for line in text.splitlines() for one in split_sentences(line))
        return self._show(Sentence(text, "\n\n"), _unlinked(text), None)

    def forget(self, sentences: Iterable[str]) -> None:
        """They may be said once more: side by side with what disagrees."""
        self._said.difference_update(map(_form, sentences))

    def settle(self) -> Iterator[Shown]:
        """Once all sources are known: what was marked is looked at again where sources have come since."""
        self._close()
        marked, self._marked = self._marked, []
        for sentence, delta, known in marked:
            if len(self.sources) == known:
                continue
            checked = self.check(sentence)
            now = (
                self._repaired(sentence, checked.verdict, checked.layer)
                if checked.layer
                else self._proven(sentence, checked.verdict)
            )
            for at, one in enumerate(now):
                if at == 0:
                    self._deltas.remove(delta)
                yield replace(one, retracts=delta if at == 0 else "")

    def _frame(self, sentence: Sentence, frame: FrameName) -> list[Shown]:
        self._close()
        if not self.true_frame(frame):
            self.withheld.append(Withheld(sentence.text, "frame", repaired=False))
            return []
        self._last = None
        self.frames.append(sentence.text)
        return [self._show(sentence, sentence.text, None)]

    def _instead(self, sentence: Sentence, checked: Checked) -> list[Shown]:
        shown = self._repaired(sentence, checked.verdict, checked.layer)
        if shown or self.policy == "strict" or not _markable(checked):
            return shown
        marked = self._show(sentence, f"{sentence.text} {UNVERIFIED}", None)
        self._last = None
        self._marked.append((sentence, marked.delta, len(self.sources)))
        return [marked]

    def _repaired(self, sentence: Sentence, nearest: Verdict, layer: str) -> list[Shown]:
        """The source's own words in place of the sentence, once; nothing where none are to the point."""
        statement = said_instead(sentence.text, nearest)
        verdict = verify(statement.text, [nearest.source]) if statement and nearest.source else None
        repaired = bool(statement and verdict and verdict.supported and verdict.source)
        self.withheld.append(Withheld(sentence.text, layer, repaired))
        if not (statement and verdict and repaired) or _form(statement.text) in self._said:
            return []
        return self._proven(Sentence(statement.text, sentence.lead), verdict)

    def _proven(self, sentence: Sentence, verdict: Verdict) -> list[Shown]:
        """A fact in its place: a lead-in waits for its item, "They …" stands behind whom it means."""
        assert verdict.source is not None, "what is supported has its source"
        if sentence.text.endswith(":"):
            self._lead_in = sentence.text, verdict.source
            self._unled = sentence, verdict
            return []
        if leans(sentence.text) and self._last != (verdict.source.chunk_id, _begins(verdict)):
            return self._behind(sentence, verdict, verdict.source)
        return [self._fact(sentence, verdict)]

    def _behind(self, sentence: Sentence, verdict: Verdict, source: Source) -> list[Shown]:
        """The source's words, with the sentence that they point at."""
        at = statement_at(verdict)
        before = statement_before(source, at.unit.span[0]) if at and at.leans else None
        whole = at.text if at and not at.leans else f"{before.text} {at.text}" if at and before else ""
        proof = verify(whole, [source]) if whole and not leans(whole) else None
        repaired = proof is not None and proof.supported and proof.source is not None
        self.withheld.append(Withheld(sentence.text, "reference", repaired))
        if proof is None or not repaired or _form(whole) in self._said:
            return []
        return [self._fact(replace(sentence, text=whole), proof)]

    def _opened(self) -> list[Shown]:
        """The lead-in, where it still waits."""
        unled, self._unled = self._unled, None
        return [self._fact(*unled)] if unled else []

    def _close(self) -> None:
        """No item follows on the lead-in; one that has none says nothing."""
        if self._unled:
            self.withheld.append(Withheld(self._unled[0].text, "list", repaired=False))
        self._unled = self._lead_in = None

    def _led(self, sentence: Sentence) -> Verdict | None:
        """An item of a list says something only under the list's own lead-in, and with it."""
        if self._lead_in is None:
            return None
        lead, source = self._lead_in
        verdict = verify(f"{lead} {sentence.text}", [source], self.threshold)
        return verdict if verdict.supported and not objection(sentence.text, verdict) else None

    def _fact(self, sentence: Sentence, verdict: Verdict) -> Shown:
        assert verdict.source is not None, "what is supported has its source"
        self.facts += 1
        self._last = verdict.source.chunk_id, _ends(verdict)
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
        self._said.add(_form(sentence.text))
        delta = f"{sentence.lead if self._deltas else sentence.lead.lstrip()}{text} "
        self._deltas.append(delta)
        return Shown(delta, citation)


def _form(text: str) -> str:
    """What is said twice is told once, however it is punctuated."""
    return words_of(text).joined


def _unlinked(text: str) -> str:
    """A tool's own words are text: a link of its making shall not be one of ours."""
    return text.replace("](", "] (")


def leans(text: str) -> bool:
    """Whether its first word means something that was said before."""
    first = words_of(text[:_FIRST_WORDS]).forms[:1]
    return bool(first) and first[0] in _LEANING


def _begins(verdict: Verdict) -> int:
    """Where, white space aside, the words before the quote end."""
    assert verdict.source is not None
    return len(verdict.source.text[: verdict.start].rstrip())


def _ends(verdict: Verdict) -> int:
    assert verdict.source is not None
    return len(verdict.source.text[: verdict.end].rstrip())


def _markable(checked: Checked) -> bool:
    """Under `mark` too there is what is never shown: what is refuted, and what only looks like the truth."""
    return checked.layer not in _NEVER and not any(one.fatal for one in checked.verdict.against)


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
        url=opened_at(source.url, source.doc_id, verdict.quote),
        title=source.title,
        section=source.section,
        page=source.page,
        quote=verdict.quote,
        confidence=verdict.confidence,
    )
