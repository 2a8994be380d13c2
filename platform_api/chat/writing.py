"""Decide, write, verify: from a question to the text that may be shown (SPEC 4, 7)."""

import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from uuid import UUID

from kit.wire.chat import Outcome, Timings, Usage
from kit.wire.events import AnswerCitation, AnswerDelta, AnswerRetracted, TurnStatus
from kit.wire.events import ToolFinished as ToolFinishedEvent
from kit.wire.events import ToolStarted as ToolStartedEvent
from knowledge.verify import Source, source_of, split_sentences
from platform_api.agents.port import (
    AgentEvent,
    AgentRuntime,
    AnswerExpired,
    Conversation,
    Finished,
    Said,
    Scope,
    Suspended,
    TextWritten,
    ToolFinished,
    ToolStarted,
)
from platform_api.chat.acceptance import Accepted
from platform_api.chat.answer import Answer, Shown
from platform_api.chat.checks import Checks
from platform_api.chat.fallback import disagree, disagreement, instead
from platform_api.chat.gathering import gathered
from platform_api.chat.log import TurnLog
from platform_api.chat.metrics import first_text_seconds, withheld_total
from platform_api.chat.sentences import Sentence, SentenceStream
from platform_api.llm.frames import FrameName, frame_of, render

SEARCH = "docs.search"
STATING = "meetings."
DOCUMENTS = "docs"
EXTRACTIVE = "extractive"
_SHOWN_OF_A_TOOL = 8
"""Sentences of a tool's own words, where the model's were of no use."""


@dataclass(slots=True)
class Writing:
    """One turn's way from the agent's events to the log."""

    accepted: Accepted
    log: TurnLog
    checks: Checks
    usage: Usage = field(default_factory=Usage)
    degraded: set[str] = field(default_factory=set[str])
    suspended: Suspended | None = None
    """The turn waits for the person; it is not to be completed."""
    _expired: bool = False
    _sentences: SentenceStream = field(default_factory=SentenceStream)
    _stage: str = ""
    _first_text_ms: float | None = None
    _model_ms: float = 0.0
    _tools_ms: float = 0.0
    _verify_ms: float = 0.0

    def __post_init__(self) -> None:
        self.answer.true_frame = self._holds

    @property
    def answer(self) -> Answer:
        return self.checks.answer

    async def run(self, runtime: AgentRuntime) -> None:
        """Raises what the agent raises: SwitchboardError."""
        request = self.accepted.request
        conversation = Conversation(
            message=request.message,
            history=[_said(role, text) for role, text in self.accepted.history],
            scope=Scope(request.service_scope, request.filters),
            turn_id=self.accepted.turn_id,
            resumed=self.accepted.resumed,
        )
        events: AsyncIterator[AgentEvent] = runtime.run(self.accepted.principal, conversation, request.agent)
        async with aclosing(gathered(events)) as batches:
            async for batch in batches:
                await self._take(batch)
        await self._offer(self._sentences.end())
        if self.suspended is None:
            await self._end()

    async def _end(self) -> None:
        """What the model has left to us."""
        for changed in await self.checks.apart(lambda: list(self.answer.settle())):
            self._say(changed)
        for one in self.answer.withheld:
            withheld_total.labels(one.layer, "repaired" if one.repaired else "dropped").inc()
        await self._when_sources_disagree()
        await self._when_the_person_must_know()
        await self._when_nothing_passed()
        if any(frame_of(sentence) == "degraded" for sentence in self.answer.frames):
            # Also where no search was offered, so that none could fail.
            self.degraded.add(DOCUMENTS)

    async def _take(self, batch: Sequence[AgentEvent]) -> None:
        """Text that came together is checked together; a search before it counts, one after it does not."""
        sentences: list[Sentence] = []
        for event in batch:
            if isinstance(event, TextWritten):
                self._at("writing", "Writing and checking the answer")
                sentences += self._sentences.feed(event.text)
                continue
            if isinstance(event, ToolStarted):
                # What was written before a call and after it are two texts.
                sentences += self._sentences.end()
            await self._offer(sentences)
            sentences = []
            self._on(event)
        await self._offer(sentences)

    def outcome(self) -> Outcome:
        if self.answer.facts:
            return "degraded" if self.degraded else "answered"
        told: set[FrameName | None] = {frame_of(sentence) for sentence in self.answer.frames}
        if "refused" in told:
            return "refused"
        if self.degraded:
            return "degraded"
        return "not_found" if told & {"not_found", "no_booking"} else "answered"

    def timings(self) -> Timings:
        return Timings(
            first_text_ms=self._first_text_ms,
            model_ms=self._model_ms,
            tools_ms=round(self._tools_ms, 2),
            verify_ms=round(self._verify_ms, 2),
            total_ms=self._elapsed_ms(),
        )

    def _on(self, event: AgentEvent) -> None:
        match event:
            case TextWritten():
                raise AssertionError("text is taken in batches")
            case ToolStarted(call_id, tool, arguments):
                if tool == SEARCH:
                    self._at("searching", "Searching the documents")
                elif tool.startswith(STATING):
                    self._at("calling_tool", "Looking at the calendar")
                else:
                    self._at("calling_tool", f"Using {tool}")
                self.log.say(ToolStartedEvent, call_id=call_id, tool=tool, arguments=arguments)
            case ToolFinished():
                self._on_result(event)
            case Finished(usage, model_ms, degraded):
                self.usage = usage
                self._model_ms = model_ms
                self.degraded.update(degraded)
            case Suspended():
                self.suspended = event
                self.usage, self._model_ms = event.usage, event.model_ms
            case AnswerExpired():
                self._expired = True

    def _on_result(self, event: ToolFinished) -> None:
        self._tools_ms += event.latency_ms
        self.log.say(
            ToolFinishedEvent,
            call_id=event.call_id,
            tool=event.tool,
            ok=event.ok,
            latency_ms=event.latency_ms,
        )
        if event.found is not None:
            self.checks.found([source_of(chunk) for chunk in event.found.chunks])
            self.degraded.update(event.found.degraded or ())
        elif event.tool == SEARCH:
            self.degraded.add(DOCUMENTS)
        elif event.stated:
            self._say(self.answer.state(event.stated))
        elif event.said:
            self.checks.found([_tool_as_source(event)])

    async def _offer(self, sentences: Iterable[Sentence]) -> None:
        given = list(sentences)
        if not given:
            return
        began = time.perf_counter()
        shown = await self.checks.shown(given)
        self._verify_ms += (time.perf_counter() - began) * 1000
        for one in shown:
            self._say(one)

    def _say(self, shown: Shown) -> None:
        if shown.retracts:
            self.log.say(AnswerRetracted, text=shown.retracts)
        if shown.delta:
            self._first_text()
            self.log.say(AnswerDelta, text=shown.delta)
        if shown.citation:
            self.log.say(AnswerCitation, citation=shown.citation)

    async def _when_the_person_must_know(self) -> None:
        """That an answer came too late, or was no, is said in any case, whatever a model makes of it."""
        frame: FrameName | None = "expired" if self._expired else "declined" if self._declined else None
        if self.answer.stated:
            return  # the tool has told the person itself
        if frame and not self._has_said(frame):
            await self._offer(_sentences_of(frame))

    async def _when_nothing_passed(self) -> None:
        """An answer is never empty: what tools and sources do say, or that they say nothing."""
        if self.answer.text:
            return
        if told := [one for one in self.answer.sources if is_tool(one)]:
            await self._offer(_sentences_of("tool_said"))
            for shown in self.answer.in_words_of(told[-1], _SHOWN_OF_A_TOOL):
                self._say(shown)
            return
        down = DOCUMENTS in self.degraded
        asked, before = self.accepted.request.message, self._asked_before()
        await self._offer(
            await self.checks.apart(lambda: list(instead(asked, before, self.answer, documents_down=down)))
        )

    async def _when_sources_disagree(self) -> None:
        """The built-in model has said so itself; another one may have told one side only (SPEC 7)."""
        if not self.answer.facts or self.usage.model == EXTRACTIVE:
            return
        asked, before = self.accepted.request.message, self._asked_before()
        await self._offer(await self.checks.apart(lambda: list(disagreement(asked, before, self.answer))))

    def _holds(self, frame: FrameName) -> bool:
        """Whether what a frame says is so: the words are ours, but a model chooses when to say them."""
        if self.checks.means.own_model:
            return True
        match frame:
            case "degraded":
                return DOCUMENTS in self.degraded
            case "disagree":
                return disagree(self.accepted.request.message, self._asked_before(), self.answer)
            case "outdated" | "identity":
                return False  # the one is said by us, behind what it is about; the other is somebody else
            case "declined":
                return self._declined
            case "expired":
                return self._expired
            case "tool_said":
                return any(is_tool(one) for one in self.answer.sources)
            case "unanswered" | "no_booking" | "for_you_alone":
                return False  # said where nobody is being answered; by the built-in model alone
            case _:
                return True

    @property
    def _declined(self) -> bool:
        resumed = self.accepted.resumed
        return resumed is not None and not resumed.accepted

    def _has_said(self, frame: FrameName) -> bool:
        return any(frame_of(sentence) == frame for sentence in self.answer.frames)

    def _asked_before(self) -> list[str]:
        return [text for role, text in self.accepted.history if role == "user"]

    def _at(self, stage: str, text: str) -> None:
        if self._stage != stage:
            self._stage = stage
            self.log.say(TurnStatus, stage=stage, text=text)

    def _first_text(self) -> None:
        if self._first_text_ms is None:
            self._first_text_ms = self._elapsed_ms()
            first_text_seconds.observe(self._first_text_ms / 1000)

    def _elapsed_ms(self) -> float:
        return round((time.perf_counter() - self.accepted.began) * 1000, 2)


def _sentences_of(frame: FrameName) -> list[Sentence]:
    return [Sentence(text) for text in split_sentences(render(frame))]


def _tool_as_source(event: ToolFinished) -> Source:
    """What a tool said may be told; there is no page of it to open."""
    id = UUID(event.call_id)
    return Source(chunk_id=id, doc_id=id, text=event.said, title=event.tool, section="", url="")


def is_tool(source: Source) -> bool:
    return source.chunk_id == source.doc_id


def _said(role: str, text: str) -> Said:
    return Said("user" if role == "user" else "assistant", text)
