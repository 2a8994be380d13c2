"""From the contact server's report to the admin's list, over the internal contract."""

import json
from uuid import uuid4

import pytest
from httpx import AsyncClient
from sqlalchemy import text
from ulid import ULID

from access.services import contact_of
from access.tokens import Minter, SigningKey
from kit.clock import SystemClock
from kit.wire.contact import ISSUER
from platform_api.identity.dev_people import ORGANISATION_ID
from tests.platform_api.leads.test_leads import EMAIL, listed, reported
from tests.platform_api.people import People
from tests.platform_api.work import Work


@pytest.mark.proves("LEAD-101", "LEAD-103")
async def test_a_report_that_arrives_twice_is_one_lead_and_the_record_has_no_word_of_it(
    people: People, worker: Work, anyone: AsyncClient
) -> None:
    key = SigningKey.generate()
    people.ports.trusted.replace(ISSUER, key.jwks())
    token = Minter(key, ISSUER, SystemClock()).mint(contact_of(ORGANISATION_ID), "platform")
    told = reported()
    event = {
        "id": str(ULID()),
        "at": told["at"],
        "kind": "audit",
        "type": "lead.manual",
        "organisation_id": str(ORGANISATION_ID),
        "actor": f"user:{uuid4()}",
        "data": told["data"],
    }
    for again in (event, event, {**event, "id": str(ULID())}):
        answer = await anyone.post(
            "/internal/v1/events",
            json={"events": [again]},
            headers={"Authorization": f"Bearer {token}"},
        )
        assert answer.status_code == 202, answer.text
    await worker.finish()

    (lead,) = await listed(people.ada)
    assert lead["lead"]["email"] == EMAIL
    async with people.ports.database.begin() as session:
        record = (
            await session.execute(text("SELECT data FROM audit_records WHERE type = 'lead.manual'"))
        ).scalars()
        assert EMAIL not in json.dumps(list(record))
