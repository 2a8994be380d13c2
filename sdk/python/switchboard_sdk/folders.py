"""A folder of documents on disk, uploaded in bulk with its relative paths as names.

A folder may carry `handbook.yaml`: which sub-folder belongs to which groups, doc_type and service_scope.
"""

import asyncio
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import UUID

import yaml
from pydantic import ValidationError

from kit.wire.library import AcceptedDocument, DocumentMetadata, Job
from switchboard_sdk.client import Switchboard
from switchboard_sdk.errors import ApiError
from switchboard_sdk.jobs import FINISHED
from switchboard_sdk.library import NamedFile

MAPPING = "handbook.yaml"
NOT_DOCUMENTS = frozenset({MAPPING, "golden.yaml", "claims.yaml"})
BATCH_FILES = 32
BATCH_BYTES = 20 * 1024 * 1024
LARGEST_READ = 256 * 1024 * 1024
"""What no platform takes is not even read into memory."""


@dataclass(frozen=True, slots=True)
class LocalFile:
    """`name` is the path relative to the folder, with "/"."""

    name: str
    path: Path
    size: int


@dataclass(frozen=True, slots=True)
class Rule:
    """What the mapping says about one sub-folder ("" is the folder itself) and everything below it."""

    folder: PurePosixPath
    metadata: DocumentMetadata

    def covers(self, name: str) -> bool:
        return PurePosixPath(name).is_relative_to(self.folder)


@dataclass(frozen=True, slots=True)
class FileResult:
    """What became of one file; `reason` says why it was refused or failed."""

    name: str
    status: str
    document_id: UUID | None = None
    reason: str = ""


def told(job: Job) -> str:
    """How far a job is, in a few words: `embedding handbook.pdf 32/480`."""
    longest = max((item for item in job.items if item.total), key=lambda item: item.total, default=None)
    if longest is None or longest.status != "running":
        return job.progress.stage
    name = longest.document.rpartition("/")[2]
    return f"{longest.stage} {name} {longest.done}/{longest.total}"


@dataclass(slots=True)
class Progress:
    """Files sent and files read so far, out of `total`."""

    total: int
    sent: int = 0
    done: int = 0
    stage: str = "uploading"
    """What most documents are at; with the document that is longest, where one is told."""
    per_job: dict[UUID, int] = field(default_factory=dict[UUID, int])

    def follow(self, job: Job) -> None:
        self.per_job[job.id] = job.progress.done
        self.done, self.stage = sum(self.per_job.values()), told(job)


class BadMapping(ValueError):
    """The mapping file cannot be understood; the message names the file and the place."""


def files_in(root: Path) -> list[LocalFile]:
    """Every document of a folder, or the one file; hidden files and the mapping are left out."""
    if root.is_file():
        return [LocalFile(root.name, root, root.stat().st_size)]
    found = (path for path in sorted(root.rglob("*")) if path.is_file())
    named = ((path.relative_to(root), path) for path in found)
    return [
        LocalFile(name.as_posix(), path, path.stat().st_size)
        for name, path in named
        if not any(part.startswith(".") for part in name.parts) and name.as_posix() not in NOT_DOCUMENTS
    ]


def rules_of(root: Path) -> list[Rule]:
    """The mapping of a folder, the most specific first; empty without one. Raises BadMapping."""
    path = root / MAPPING
    if not path.is_file():
        return []
    try:
        folders = _folders_of(yaml.safe_load(path.read_text(encoding="utf-8")))
        rules = [Rule(PurePosixPath(name), DocumentMetadata.model_validate(what)) for name, what in folders]
    except (ValueError, yaml.YAMLError, ValidationError) as error:
        raise BadMapping(f"{path}: {error}") from error
    return sorted(rules, key=lambda rule: len(rule.folder.parts), reverse=True)


def _folders_of(mapping: Any) -> list[tuple[str, Any]]:
    folders = mapping.get("folders") if isinstance(mapping, dict) else None  # pyright: ignore[reportUnknownVariableType,reportUnknownMemberType] (YAML)
    if not isinstance(folders, dict):
        raise ValueError("expected 'folders:' with a folder name and its groups, doc_type, service_scope")
    return [(str(name), what or {}) for name, what in folders.items()]  # pyright: ignore[reportUnknownVariableType,reportUnknownArgumentType] (YAML)


@dataclass(slots=True)
class Batch:
    """Files that go in one request: they share their metadata."""

    metadata: DocumentMetadata | None
    files: list[LocalFile] = field(default_factory=list[LocalFile])

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)

    def takes(self, file: LocalFile, metadata: DocumentMetadata | None) -> bool:
        full = len(self.files) >= BATCH_FILES or self.size + file.size > BATCH_BYTES
        return self.metadata == metadata and not full


def batches(files: Sequence[LocalFile], rules: Sequence[Rule]) -> Iterator[Batch]:
    """In order of the files; a file larger than a batch goes alone."""
    batch: Batch | None = None
    for file in files:
        metadata = next((rule.metadata for rule in rules if rule.covers(file.name)), None)
        if batch is None or not batch.takes(file, metadata):
            if batch is not None:
                yield batch
            batch = Batch(metadata)
        batch.files.append(file)
    if batch is not None:
        yield batch


Taken = tuple[UUID, list[str]]
"""A job, and the names of what it reads."""


class FolderUpload:
    """Uploads files and follows the jobs that read them; `on_progress` hears of each step."""

    def __init__(
        self,
        switchboard: Switchboard,
        knowledge_base_id: UUID,
        on_progress: Callable[[Progress], None] = lambda _: None,
    ) -> None:
        self._switchboard = switchboard
        self._base = knowledge_base_id
        self._on_progress = on_progress
        self._results: dict[str, FileResult] = {}

    async def run(self, files: Sequence[LocalFile], rules: Sequence[Rule] = ()) -> list[FileResult]:
        """One result per file, in order, then those of files inside archives. Raises ApiError where the
        platform cannot go on at all."""
        self._progress = Progress(len(files))
        try:
            async with asyncio.TaskGroup() as following:
                await self._send_all(files, rules, following)
        except* ApiError as group:
            refused = next(leaf for leaf in group.exceptions if isinstance(leaf, ApiError))
        else:
            named = [file.name for file in files if file.name in self._results]
            return [self._results[name] for name in dict.fromkeys([*named, *self._results])]
        raise refused

    async def _send_all(
        self, files: Sequence[LocalFile], rules: Sequence[Rule], following: asyncio.TaskGroup
    ) -> None:
        for batch in batches(files, rules):
            taken = await self._send(batch)
            if taken is not None:
                following.create_task(self._follow(*taken))

    async def _send(self, batch: Batch) -> Taken | None:
        files = await asyncio.to_thread(self._read, batch)
        taken = await self._upload(files, batch.metadata) if files else None
        self._progress.sent += len(batch.files)
        self._on_progress(self._progress)
        return taken

    def _read(self, batch: Batch) -> list[NamedFile]:
        read: list[NamedFile] = []
        for file in batch.files:
            try:
                read.append(NamedFile(file.name, _bytes_of(file)))
            except OSError as error:
                self._note(file.name, "refused", reason=f"cannot be read here: {error.strerror or error}")
        return read

    async def _upload(self, files: list[NamedFile], metadata: DocumentMetadata | None) -> Taken | None:
        try:
            accepted = await self._switchboard.documents.upload(self._base, files, metadata)
        except ApiError as error:
            if error.status not in (400, 413, 415, 422):
                raise
            return await self._one_by_one(files, metadata, error)
        names = _names(files, accepted.documents)
        for name, document in zip(names, accepted.documents, strict=True):
            self._note(name, document.status, document.id, document.error or "")
        return accepted.job_id, names

    async def _one_by_one(
        self, files: list[NamedFile], metadata: DocumentMetadata | None, error: ApiError
    ) -> Taken | None:
        """One bad file must not keep the others of its request out: they go one by one."""
        if len(files) == 1:
            self._note(files[0].name, "refused", reason=f"{error.problem.detail} {error.problem.hint}")
            return None
        for file in files:
            taken = await self._upload([file], metadata)
            if taken is not None:
                await self._follow(*taken)
        return None

    async def _follow(self, job_id: UUID, names: Sequence[str]) -> None:
        async with aclosing(self._switchboard.jobs.follow(job_id)) as states:
            async for job in states:
                self._progress.follow(job)
                self._on_progress(self._progress)
                if job.status in FINISHED:
                    self._settle(job, names)

    def _settle(self, job: Job, names: Sequence[str]) -> None:
        """The job's last state decides about every file that was waiting for it."""
        reasons = {error.document: error.detail for error in job.errors}
        for name in names:
            result = self._results[name]
            if result.status == "queued":
                self._results[name] = _settled(result, job, reasons)

    def _note(self, name: str, status: str, document_id: UUID | None = None, reason: str = "") -> None:
        self._results[name] = FileResult(name, status, document_id, reason)


def _names(files: Sequence[NamedFile], accepted: Sequence[AcceptedDocument]) -> list[str]:
    """Ours for what we sent; for what was inside an archive, the path there."""
    ours = {unicodedata.normalize("NFC", file.name): file.name for file in files}
    if len(files) == len(accepted) and not any(document.path not in ours for document in accepted):
        return [file.name for file in files]
    if not any(document.path for document in accepted):
        return [file.name for file in files][: len(accepted)]
    return [ours.get(document.path, document.path or document.title) for document in accepted]


def _settled(result: FileResult, job: Job, reasons: dict[str, str]) -> FileResult:
    reason = reasons.get(result.name) or reasons.get(str(result.document_id))
    if reason is None and job.status == "succeeded":
        return replace(result, status="ready")
    if reason is None and job.status == "failed" and reasons:
        # A job that names its bad documents has read the others.
        return replace(result, status="ready")
    return replace(result, status="failed", reason=reason or f"the job was {job.status}")


def _bytes_of(file: LocalFile) -> bytes:
    if file.size > LARGEST_READ:
        raise OSError(f"it has {file.size // 1024**2} MB; split it")
    return file.path.read_bytes()
