"""One thing that a gatherer found, and what becomes of it: taken in, noted, or told as a problem."""

import time
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

from pydantic import ValidationError

from access.principal import Principal
from kit.clock import Clock
from kit.errors import Forbidden, NotFound, SwitchboardError, Unauthenticated
from kit.wire.library import DocumentMetadata
from kit.wire.sources import CreateSource, RunProblem
from knowledge.gather import Found, Gatherer, Mark
from platform_api.library.errors import JobFinished, QuotaExceeded, UnsupportedDocument
from platform_api.library.models import SourceRow, SourceRunRow
from platform_api.library.service.intake import Intake, Origin
from platform_api.library.service.jobs import Outcome
from platform_api.library.service.source_entries import Looked
from platform_api.library.service.sources import metadata_of

_SAVE_EVERY = 20
_SAVE_EVERY_S = 3.0


@dataclass(slots=True)
class Step:
    """What one step works with."""

    principal: Principal
    source: SourceRow
    run: SourceRunRow
    asked: CreateSource
    marks: dict[str, Mark]
    documents: dict[str, UUID]
    began: float = field(default_factory=time.monotonic)
    looked: list[Looked] = field(default_factory=list[Looked])
    saved_at: float = field(default_factory=time.monotonic)

    def is_out_of_time(self, limit_s: float) -> bool:
        return time.monotonic() - self.began >= limit_s

    @property
    def save_is_due(self) -> bool:
        return len(self.looked) >= _SAVE_EVERY or time.monotonic() - self.saved_at >= _SAVE_EVERY_S


class Looking:
    def __init__(self, intake: Intake, clock: Clock) -> None:
        self._intake = intake
        self._clock = clock

    async def look(self, step: Step, found: Found) -> Looked:
        document_id = step.documents.get(found.path)
        if found.outcome == "content":
            return await self._take(step, found)
        if found.outcome == "unchanged":
            if document_id is not None and step.asked.kind == "crawl":
                # One that somebody deletes or moves at this moment is theirs.
                with suppress(NotFound, Forbidden):
                    await self._intake.seen(step.principal, document_id, self._origin(step, found))
            return Looked(found, "unchanged", document_id, marks=True)
        return Looked(found, found.outcome, document_id, found.code, found.detail)

    async def _take(self, step: Step, found: Found) -> Looked:
        """Raises JobFinished, and Forbidden or NotFound where the creator may no longer do this."""
        try:
            metadata = _metadata(step.asked, found)
            outcome = await self._intake.take(
                step.principal,
                step.source.knowledge_base_id,
                found.path,
                found.data,
                metadata,
                self._origin(step, found),
                step.run.job_id,
            )
        except (Forbidden, NotFound, JobFinished, Unauthenticated):
            raise
        except ValidationError:
            detail = "What the mapping file says about it is not valid, so it was not read."
            return Looked(found, "failed", code="bad_mapping", detail=detail)
        except SwitchboardError as error:
            if error.status >= 500:
                raise
            return Looked(found, "failed", code=error.code, detail=error.detail)
        return _taken(found, outcome)

    def _origin(self, step: Step, found: Found) -> Origin:
        return Origin(
            source=step.source.kind,  # pyright: ignore[reportArgumentType]  the table's check allows no other
            source_id=step.source.id,
            source_url=found.url,
            etag=found.etag if step.asked.kind == "crawl" else None,
            last_modified=found.last_modified,
            crawled_at=self._clock.now(),
        )


def _metadata(asked: CreateSource, found: Found) -> DocumentMetadata:
    """The mapping file says more about a folder than the source about all. Raises ValidationError."""
    said = metadata_of(asked).model_dump(exclude_none=True, exclude_defaults=True)
    return DocumentMetadata.model_validate(said | dict(found.rules))


def _taken(found: Found, outcome: Outcome) -> Looked:
    error, shown = outcome.error, outcome.shown
    if shown.status == "queued":
        return Looked(found, "success", shown.id, marks=True)
    if shown.status == "unchanged":
        return Looked(found, "unchanged", shown.id, marks=True)
    code, detail = (error.code, error.detail) if error else ("refused", shown.error or "")
    if code == QuotaExceeded.code:
        return Looked(found, "failed", code=code, detail=detail)
    skipped = code == UnsupportedDocument.code
    return Looked(found, "skipped" if skipped else "failed", code=code, detail=detail, marks=True)


def problem_of(one: Looked) -> RunProblem | None:
    if one.outcome not in ("failed", "skipped"):
        return None
    found = one.found
    return RunProblem(path=found.path, url=found.url, code=one.code, detail=one.detail)


_PASSED_OVER = {
    "trap": "addresses look like ones of an endless number",
    "page_limit": "addresses are beyond the limit of pages",
    "too_deep": "addresses are too many links away from the start",
}


def passed_over(gatherer: Gatherer) -> list[RunProblem]:
    """One line for each reason, with an example."""
    examples = {code: url for url, code in reversed(gatherer.examples())}
    return [
        RunProblem(
            path=examples.get(code, ""),
            code=code,
            detail=f"{count} {_PASSED_OVER[code]} and were not opened.",
        )
        for code, count in gatherer.passed_over().items()
        if count
    ]
