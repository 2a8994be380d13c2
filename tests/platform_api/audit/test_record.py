"""What people do with documents is recorded, with ids and without contents."""

import json

import pytest
from sqlalchemy import select

from platform_api.audit.models import AuditRecordRow
from platform_api.identity.dev_people import DEV_PEOPLE, ORGANISATION_ID
from tests.platform_api.library.steps import HANDBOOK, base_of, upload
from tests.platform_api.people import People
from tests.platform_api.work import Work


@pytest.mark.proves("AUDIT-002")
async def test_upload_reading_and_deleting_are_recorded_with_who_did_it(people: People, worker: Work) -> None:
    base = await base_of(people.ada)
    document = (await upload(people.ada, base, ("leave.md", HANDBOOK))).json()["documents"][0]["id"]
    await worker.finish()
    await people.maya.get(f"/api/v1/documents/{document}/content")
    await people.tom.delete(f"/api/v1/knowledge-bases/{base}/documents/{document}")
    await people.ada.delete(f"/api/v1/knowledge-bases/{base}/documents/{document}")

    async with people.ports.database.begin() as session:
        records = (await session.scalars(select(AuditRecordRow).order_by(AuditRecordRow.at))).all()

    who = {f"user:{person.id}": name for name, person in DEV_PEOPLE.items()}
    assert [(who[record.actor], record.type) for record in records] == [
        ("ada", "document.uploaded"),
        ("maya", "document.read"),
        ("ada", "document.deleted"),
    ]
    assert {record.organisation_id for record in records} == {ORGANISATION_ID}
    assert all(document in json.dumps(record.data) for record in records)
    assert "25 days" not in json.dumps([record.data for record in records])
