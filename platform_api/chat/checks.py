"""The checks of a turn's sentences, beside the event loop, with stored vectors and a judge if there are."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

import structlog

from access.keys import AccessKeys
from kit.wire.chat import Usage
from knowledge.verify import Source, Verdict, prepare
from platform_api.chat.answer import Answer, Shown
from platform_api.chat.checking import Checked, decided
from platform_api.chat.metrics import judged_total
from platform_api.chat.sentences import Sentence
from platform_api.chat.stored import StoredVectors, Vectors
from platform_api.llm.judge import Judges, TurnJudge

Result = TypeVar("Result")
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Means:
    """What checking may use; one per process.

    vectors: None: meaning is judged by words. judges: None: what is in doubt is withheld. own_model: the
    built-in one writes. It quotes, so that vectors are fetched when a sentence is first in doubt, not while
    it writes; and what its frames say is so.
    """

    vectors: StoredVectors | None = None
    judges: Judges | None = None
    own_model: bool = False
    threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(max_workers=2, thread_name_prefix="verify")
    )

    def close(self) -> None:
        self.threads.shutdown(wait=False, cancel_futures=True)


@dataclass(slots=True)
class Checks:
    """Of one turn. `close` at its end."""

    answer: Answer
    means: Means
    keys: AccessKeys
    judge: TurnJudge | None = None
    _fetching: "asyncio.Task[Vectors | None] | None" = None
    _asked: set[UUID] = field(default_factory=set[UUID])
    """Chunks whose vectors were asked for."""
    _reading: "set[asyncio.Future[None]]" = field(default_factory=set["asyncio.Future[None]"])

    def found(self, sources: Sequence[Source]) -> None:
        """What a search has found."""
        self.answer.add_sources(sources)
        if not self.means.own_model:
            self._fetch()
            texts = [source.text for source in sources]
            self._reading.add(self._apart(lambda: _read(texts)))

    async def shown(self, sentences: Sequence[Sentence]) -> list[Shown]:
        """What is shown for these sentences, in order."""
        if self._fetching and not self.means.own_model:
            await self._learn()
        checked, shown = await self.apart(lambda: self._settled(sentences, patient=self._is_patient))
        if shown is not None:
            return shown
        if self._may_learn and any(one.by_meaning for one in checked) and await self._learn():
            checked = await self.apart(lambda: self._checked(sentences))
        if self.judge:
            checked = await self._judged(self.judge, sentences, checked)
        return await self.apart(lambda: self._offered(sentences, checked))

    async def apart(self, work: Callable[[], Result]) -> Result:
        """In a thread: preparing a dozen chunks takes longer than other turns should wait."""
        return await self._apart(work)

    def with_judge(self, usage: Usage) -> Usage:
        """What the turn has used, its judge's calls included; model and tier are the writer's."""
        spent = self.judge.spending if self.judge else None
        if spent is None:
            return usage
        return usage.model_copy(
            update={
                "input_tokens": usage.input_tokens + spent.input_tokens,
                "output_tokens": usage.output_tokens + spent.output_tokens,
                "cost": round(usage.cost + spent.cost, 6),
            }
        )

    async def close(self) -> None:
        if self._fetching:
            self._fetching.cancel()
            await asyncio.wait([self._fetching])
        if self._reading:
            await asyncio.wait(self._reading)

    def _apart(self, work: Callable[[], Result]) -> "asyncio.Future[Result]":
        return asyncio.get_running_loop().run_in_executor(self.means.threads, work)

    @property
    def _is_patient(self) -> bool:
        """Whether there is somebody to ask about a sentence in doubt."""
        return self.judge is not None or self._may_learn

    def _settled(
        self, sentences: Sequence[Sentence], *, patient: bool
    ) -> tuple[list[Checked], list[Shown] | None]:
        """What is shown, unless a sentence is in doubt and there is somebody to ask."""
        checked = self._checked(sentences)
        if patient and any(one.by_meaning or one.undecided for one in checked):
            return checked, None
        return checked, self._offered(sentences, checked)

    def _offered(self, sentences: Sequence[Sentence], checked: Sequence[Checked]) -> list[Shown]:
        given = zip(sentences, checked, strict=True)
        return [shown for one in given for shown in self.answer.offer(*one)]

    def _checked(self, sentences: Sequence[Sentence]) -> list[Checked]:
        return [self.answer.check(sentence) for sentence in sentences]

    @property
    def _may_learn(self) -> bool:
        return self.means.vectors is not None and any(
            one.chunk_id not in self._asked for one in self.answer.sources
        )

    def _fetch(self) -> None:
        wanted = [one.chunk_id for one in self.answer.sources if one.sentences is None]
        if self.means.vectors and not self._asked.issuperset(wanted):
            self._asked.update(wanted)
            before = self._fetching
            self._fetching = asyncio.create_task(self._fetched(self.means.vectors, wanted, before))

    async def _fetched(
        self, vectors: StoredVectors, wanted: Sequence[UUID], before: "asyncio.Task[Vectors | None] | None"
    ) -> Vectors | None:
        """With what an earlier search's are, where one embedder made both."""
        earlier = await before if before else None
        now = await vectors.of(self.keys, wanted)
        if now and earlier and earlier.embedder is now.embedder:
            return Vectors(now.embedder, {**earlier.of, **now.of})
        return now or earlier

    async def _learn(self) -> bool:
        """Whether the sources have vectors now that they had not."""
        self._fetch()
        fetching, self._fetching = self._fetching, None
        vectors = await fetching if fetching else None
        if vectors is None:
            return False
        self.answer.add_vectors(vectors.embedder, vectors.of)
        return True

    async def _judged(
        self, judge: TurnJudge, sentences: Sequence[Sentence], checked: Sequence[Checked]
    ) -> list[Checked]:
        """A second opinion on all that are in doubt, at once; without one they stay refused."""
        doubtful = [at for at, one in enumerate(checked) if one.undecided]
        if not doubtful:
            return list(checked)
        pairs = [(_passage(checked[at].verdict), sentences[at].text) for at in doubtful]
        try:
            opinions = await judge.entailed(pairs)
        except Exception as error:  # a judge is a help, never a need
            judged_total.labels("failed").inc(len(pairs))
            log.warning("chat.no_judge", error=type(error).__name__)
            return list(checked)
        settled = list(checked)
        for at, entailed in zip(doubtful, opinions, strict=False):
            settled[at] = decided(sentences[at].text, checked[at], entailed, self.answer.threshold)
            judged_total.labels("refused" if settled[at].layer else "passed").inc()
        return settled


def _read(texts: Sequence[str]) -> None:
    """Made once per text and kept: the first sentence then finds it done."""
    for text in texts:
        _ = prepare(text).passages


def _passage(verdict: Verdict) -> str:
    """The quote under its headings: "20 days" means something under "Annual leave"."""
    assert verdict.source is not None, "what is in doubt is near a source"
    headings = " › ".join(part for part in (verdict.source.title, verdict.source.section) if part)
    return f"{headings}: {verdict.quote}" if headings else verdict.quote
