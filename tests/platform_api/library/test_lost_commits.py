"""Postgres goes away in the moment of a commit: it happened, but nobody was told."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, cast

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from kit.errors import Unavailable
from platform_api.app import PlatformPorts, build_app
from platform_api.identity.dev_people import ensure_dev_people
from platform_api.library.models import DocumentVersionRow
from ports.db import Database
from tests.platform_api.library.steps import HANDBOOK, listed, personal_base, stored_files, upload
from tests.platform_api.people import People
from tests.platform_api.work import Work


class ForgetsToAnswer:
    """The real database, whose first commit of a new document version loses its answer."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lost = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    @asynccontextmanager
    async def begin(self) -> AsyncGenerator[AsyncSession]:
        async with self._database.begin() as session:
            yield session
        if not self._lost and await self._has_versions():
            self._lost = True
            raise Unavailable("The database went away.")

    async def _has_versions(self) -> bool:
        async with self._database.begin() as session:
            return bool(await session.scalar(select(func.count()).select_from(DocumentVersionRow)))


@pytest.mark.proves("JOBS-001")
async def test_an_upload_whose_commit_lost_its_answer_keeps_its_bytes(
    ports: PlatformPorts, worker: Work
) -> None:
    await ensure_dev_people(ports.database)
    app = build_app(replace(ports, database=cast(Database, ForgetsToAnswer(ports.database))))
    async with People(ports, app) as people:
        base = await personal_base(people.maya)
        first = await upload(people.maya, base, ("leave.md", HANDBOOK), key="k1")
        repeated = await upload(people.maya, base, ("leave.md", HANDBOOK), key="k1")
        await worker.finish()

        assert (first.status_code, repeated.status_code) == (503, 202)
        assert [document["status"] for document in await listed(people.maya, base)] == ["ready"]
        # The bytes of the repetition, which no row refers to, and what was read are all that is there.
        assert len(stored_files(people)) == 2
