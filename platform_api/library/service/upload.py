"""What people send: per file queued, unchanged or refused; all that is taken, in one commit (SPEC 3, 7)."""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal
from kit.clock import Clock
from kit.errors import Invalid, SwitchboardError
from kit.wire.library import DocumentMetadata, UploadAccepted
from platform_api.edge.idempotency import once
from platform_api.library import repository
from platform_api.library.errors import BadUpload, QuotaExceeded, TooManyFiles
from platform_api.library.service.bases import ensure_shared
from platform_api.library.service.incoming import Refused, SentFile, arriving, path_of
from platform_api.library.service.intake import Intake, Staged, Taking
from platform_api.library.service.jobs import Outcome, add_job
from platform_api.library.service.permissions import require_manage
from platform_api.library.settings import LibrarySettings
from ports.db import Database


class Uploads:
    def __init__(self, database: Database, intake: Intake, settings: LibrarySettings, clock: Clock) -> None:
        self._database = database
        self._intake = intake
        self._settings = settings
        self._clock = clock

    @property
    def max_files(self) -> int:
        return self._settings.max_files

    async def check(self, principal: Principal, base_id: UUID) -> None:
        """Before a body is read. Raises NotFound or Forbidden."""
        async with self._database.begin() as session:
            await ensure_shared(session, principal)
            require_manage(principal, await repository.base(session, principal, base_id))

    async def accept(
        self,
        principal: Principal,
        base_id: UUID,
        files: Sequence[SentFile],
        metadata: DocumentMetadata,
        idempotency_key: str | None = None,
    ) -> UploadAccepted:
        """Raises NotFound, Forbidden, Invalid, or the reason where every file is refused."""
        self._check_count(files)
        taking = await self._intake.checked(principal, base_id, metadata)
        staged: list[Staged | Refused] = []
        before = await self._intake.before(taking, _paths(files))
        try:
            async for file in arriving(files, self._settings):
                # Not by `extend`: what is stored when a later file fails must be known below.
                staged.append(await self._intake.stage(taking, file, before))  # noqa: PERF401
            _check_address(metadata, staged)
            _refuse_if_all(staged)
            accepted, used = await self._commit(taking, staged, idempotency_key)
        except SwitchboardError as error:
            await self._intake.drop_if_undone(staged, error)
            raise
        await self._intake.drop(staged, used)
        return accepted

    def _check_count(self, files: Sequence[SentFile]) -> None:
        if not files:
            raise BadUpload("There is no `file` in this upload.")
        if len(files) > self._settings.max_files:
            raise TooManyFiles(f"These are {len(files)} files; the limit is {self._settings.max_files}.")

    async def _commit(
        self, taking: Taking, staged: Sequence[Staged | Refused], idempotency_key: str | None
    ) -> tuple[UploadAccepted, frozenset[str]]:
        used: set[str] = set()
        async with self._database.begin() as session:

            async def work() -> UploadAccepted:
                return await self._save(session, taking, staged, used)

            accepted = await once(
                session,
                taking.principal,
                idempotency_key,
                _fingerprint(taking, staged),
                shape=UploadAccepted,
                work=work,
            )
        return accepted, frozenset(used)

    async def _save(
        self, session: AsyncSession, taking: Taking, staged: Sequence[Staged | Refused], used: set[str]
    ) -> UploadAccepted:
        outcomes, taken = await self._intake.save(session, taking, staged)
        _refuse_if_full(outcomes)
        used.update(taken)
        job_id = await add_job(session, taking.principal, "upload", outcomes, self._clock.now())
        await self._intake.defer(session, taking, job_id, outcomes)
        return UploadAccepted(documents=[outcome.shown for outcome in outcomes], job_id=job_id)


def _paths(files: Sequence[SentFile]) -> list[str]:
    """As far as they are known before the files are read; those in archives are not."""
    paths: list[str] = []
    for file in files:
        with suppress(SwitchboardError):  # told where the file is examined
            paths.append(path_of(file.filename or ""))
    return paths


def _check_address(metadata: DocumentMetadata, staged: Sequence[Staged | Refused]) -> None:
    if metadata.source_url and len(staged) > 1:
        raise Invalid("Field 'metadata.source_url': one address cannot be that of several files.")


def _refuse_if_all(staged: Sequence[Staged | Refused]) -> None:
    """Where nothing can be taken, the request fails as its first file does."""
    refused = [file for file in staged if isinstance(file, Refused)]
    if len(refused) < len(staged):
        return
    first = refused[0].error
    if len(refused) > 1:
        first.detail = f"None of the {len(refused)} files can be taken. {refused[0].path}: {first.detail}"
    raise first


def _refuse_if_full(outcomes: Sequence[Outcome]) -> None:
    """The same, where only the quota stood in the way of what could have been taken."""
    if any(outcome.shown.status != "refused" for outcome in outcomes):
        return
    full = [
        outcome.error for outcome in outcomes if outcome.error and outcome.error.code == QuotaExceeded.code
    ]
    raise QuotaExceeded(full[0].detail if full else "")


def _fingerprint(taking: Taking, staged: Sequence[Staged | Refused]) -> str:
    content = [(file.path, file.sha256 if isinstance(file, Staged) else file.error.code) for file in staged]
    digest = hashlib.sha256(repr((content, sorted(taking.declared().items()))).encode()).hexdigest()
    return f"upload/{taking.base.id}/{digest}"
