"""What one question and one claim bring back, through the SDK."""

import re
import time
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from switchboard_sdk import ApiError, Switchboard

from kit.wire.chat import Citation
from kit.wire.events import AnswerDelta, TurnCompleted, TurnFailed
from kit.wire.search import DEFAULT_THRESHOLD, VerifyResult
from tests.evals.golden import Claim, Question

SEARCHED = 12
_MARKER = re.compile(r"\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence as it was streamed; `n` are the citations it carries."""

    text: str
    n: tuple[int, ...]


@dataclass(slots=True)
class Asked:
    """One question's answer and what direct retrieval finds for it; times in milliseconds."""

    question: Question
    outcome: str = "failed"
    text: str = ""
    said: list[Said] = field(default_factory=list[Said])
    citations: list[Citation] = field(default_factory=list[Citation])
    retrieved: list[str] = field(default_factory=list[str])
    first_text_ms: float | None = None
    whole_ms: float = 0.0
    trouble: str = ""

    @property
    def refused(self) -> bool:
        return self.outcome in ("not_found", "refused")


@dataclass(slots=True)
class Judged:
    """One claim: did verify.quote pass it against the 12 best chunks, and against those of its own page?"""

    claim: Claim
    passed: bool = False
    passed_on_page: bool | None = None
    """None: no chunk of its page was among the 12."""
    quote: str = ""
    confidence: float = 0.0
    trouble: str = ""


class ToolFailed(Exception):
    """A tool was called and said that it failed."""


class Interview:
    """`names` maps document ids to relative paths."""

    def __init__(self, switchboard: Switchboard, base_id: UUID, names: dict[UUID, str]) -> None:
        self._switchboard = switchboard
        self._base = base_id
        self._names = names

    def name(self, doc_id: UUID) -> str:
        return self._names.get(doc_id, f"unknown document {doc_id}")

    async def ask(self, question: Question) -> Asked:
        asked = Asked(question)
        try:
            await self._stream(asked)
            found = await self._switchboard.knowledge_bases.query(
                self._base, question.question, top_k=SEARCHED
            )
            asked.retrieved = [self.name(chunk.metadata.doc_id) for chunk in found.chunks]
        except ApiError as error:
            asked.trouble = f"{error.code}: {error} ({error.request_id})"
        return asked

    async def _stream(self, asked: Asked) -> None:
        begun = time.perf_counter()
        events = self._switchboard.stream(asked.question.question, knowledge_base_ids=[self._base])
        async with aclosing(events):
            async for event in events:
                passed = (time.perf_counter() - begun) * 1000
                if isinstance(event, AnswerDelta):
                    asked.first_text_ms = asked.first_text_ms or passed
                    asked.said.append(_said(event.text))
                elif isinstance(event, TurnCompleted):
                    asked.outcome, asked.text = event.outcome, event.text
                    asked.citations, asked.whole_ms = list(event.citations), passed
                elif isinstance(event, TurnFailed):
                    asked.trouble = f"{event.code}: {event.detail} ({event.request_id})"

    async def judge(self, claim: Claim) -> Judged:
        judged = Judged(claim)
        try:
            found = await self._switchboard.knowledge_bases.query(self._base, claim.sentence, top_k=SEARCHED)
            chunks = [(chunk.chunk_id, self.name(chunk.metadata.doc_id)) for chunk in found.chunks]
            on_page = [chunk_id for chunk_id, name in chunks if name == claim.source_file]
            await self._verify(judged, [chunk_id for chunk_id, _ in chunks])
            if on_page:
                judged.passed_on_page = (await self._verified(claim.sentence, on_page)).verified[0]
        except ApiError as error:
            judged.trouble = f"{error.code}: {error} ({error.request_id})"
        except ToolFailed as error:
            judged.trouble = str(error)
        return judged

    async def _verify(self, judged: Judged, chunk_ids: list[UUID]) -> None:
        if not chunk_ids:
            return
        result = await self._verified(judged.claim.sentence, chunk_ids)
        judged.passed = result.verified[0]
        judged.quote = next((citation.quote for citation in result.citations), "")
        # What does not pass has no citation: for the curve it is asked again without a threshold.
        nearest = await self._verified(judged.claim.sentence, chunk_ids, threshold=0.0)
        judged.confidence = next((citation.confidence for citation in nearest.citations), 0.0)

    async def _verified(
        self, sentence: str, chunk_ids: list[UUID], threshold: float = DEFAULT_THRESHOLD
    ) -> VerifyResult:
        arguments: dict[str, Any] = {
            "sentences": [sentence],
            "chunks": [str(chunk_id) for chunk_id in chunk_ids],
            "threshold": threshold,
        }
        outcome = await self._switchboard.tools.invoke("verify.quote", arguments)
        if outcome.is_error or outcome.structured is None:
            raise ToolFailed(f"verify.quote: {outcome.content}")
        return VerifyResult.model_validate(outcome.structured)


def _said(delta: str) -> Said:
    return Said(delta.strip().removeprefix("- "), tuple(int(n) for n in _MARKER.findall(delta)))
