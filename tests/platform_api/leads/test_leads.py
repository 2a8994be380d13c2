"""Leads that the CRM did not take: kept, shown to admins of their own organisation, entered by hand."""

import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text, update

from kit.logs import LogSettings, configure
from platform_api.audit.models import AuditRecordRow
from platform_api.identity.dev_people import DEV_PEOPLE, ORGANISATION_ID
from platform_api.leads.models import ManualLeadRow
from tests.platform_api.people import People
from tests.platform_api.work import Work

LEADS = "/api/v1/admin/leads"
EMAIL, PHONE = "gary.guest@example.org", "+61491570156"
MAYA = DEV_PEOPLE["maya"].id


def reported(key: str = "b1:lead", organisation_id: UUID = ORGANISATION_ID, **lead: Any) -> dict[str, Any]:
    """As the queue hands over what the contact server reported."""
    return {
        "type": "lead.manual",
        "at": datetime.now(UTC).isoformat(),
        "data": {
            "organisation_id": str(organisation_id),
            "user_id": str(MAYA),
            "booking_id": str(uuid4()),
            "key": key,
            "reason": "The CRM does not answer.",
            "lead": {
                "first_name": "Gary",
                "last_name": "Guest",
                "email": EMAIL,
                "phone": PHONE,
                "reason": "training",
                "service": "ace",
                "message": "Private words.",
                "consent": {"privacy": True, "contact": False, "record_id": str(uuid4())},
                "tz": "Australia/Sydney",
                "source": {"channel": "slack"},
                **lead,
            },
        },
    }


async def listed(client: Any, state: str = "open") -> list[dict[str, Any]]:
    answer = await client.get(LEADS, params={"state": state})
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


@pytest.mark.proves("LEAD-101")
async def test_a_lead_that_the_crm_did_not_take_is_there_to_be_entered(people: People, worker: Work) -> None:
    await worker.run("lead.manual", reported())

    (lead,) = await listed(people.ada)
    assert lead["lead"]["email"] == EMAIL
    assert lead["lead"]["message"] == "Private words."
    assert lead["lead"]["consent"]["contact"] is False
    assert (lead["state"], lead["why"], lead["key"]) == ("open", "The CRM does not answer.", "b1:lead")


@pytest.mark.proves("LEAD-101")
async def test_the_same_lead_reported_again_is_one_also_after_it_was_entered(
    people: People, worker: Work
) -> None:
    await worker.run("lead.manual", reported())
    await worker.run("lead.manual", reported(first_name="Other"))
    (lead,) = await listed(people.ada)
    assert lead["lead"]["first_name"] == "Gary"

    await people.ada.post(f"{LEADS}/{lead['id']}/done", json={"crm_id": "501"})
    await worker.run("lead.manual", reported())
    assert await listed(people.ada) == []
    (done,) = await listed(people.ada, "done")
    assert (done["crm_id"], done["lead"]["first_name"]) == ("501", "Gary")


@pytest.mark.proves("LEAD-101")
async def test_entered_reopened_and_entered_again_with_everybody_told_where_it_stands(
    people: People, worker: Work
) -> None:
    await worker.run("lead.manual", reported())
    (lead,) = await listed(people.ada)
    url = f"{LEADS}/{lead['id']}"

    assert (await people.ada.post(f"{url}/reopen")).json()["code"] == "lead_is_open"
    done = await people.ada.post(f"{url}/done", json={})
    assert (done.status_code, done.json()["state"]) == (200, "done")
    late = await people.ada.post(f"{url}/done", json={"crm_id": "9"})
    assert (late.status_code, late.json()["code"]) == (409, "lead_is_done")
    again = await people.ada.post(f"{url}/reopen")
    assert again.json() == {"id": lead["id"], "state": "open", "crm_id": None, "done_at": None}
    assert len(await listed(people.ada)) == 1


@pytest.mark.proves("LEAD-101")
async def test_a_repeated_request_does_it_once_and_keeps_nobodys_name(people: People, worker: Work) -> None:
    await worker.run("lead.manual", reported())
    (lead,) = await listed(people.ada)
    key = {"Idempotency-Key": "once"}
    first = await people.ada.post(f"{LEADS}/{lead['id']}/done", json={}, headers=key)
    second = await people.ada.post(f"{LEADS}/{lead['id']}/done", json={}, headers=key)
    assert first.json() == second.json()
    async with people.ports.database.begin() as session:
        kept = (await session.execute(text("SELECT answer::text FROM idempotency_keys"))).scalars().all()
    assert EMAIL not in "".join(kept)


@pytest.mark.proves("LEAD-102")
async def test_nobody_but_an_admin_sees_or_touches_a_lead(people: People, worker: Work) -> None:
    await worker.run("lead.manual", reported())
    (lead,) = await listed(people.ada)
    for role in ("User", "TeamLead", "DeptAdmin", "ReadOnly"):
        somebody = await people.add(roles=(role,))
        answers = [
            await somebody.get(LEADS),
            await somebody.post(f"{LEADS}/{lead['id']}/done", json={}),
            await somebody.post(f"{LEADS}/{uuid4()}/done", json={}),
            await somebody.post(f"{LEADS}/{lead['id']}/reopen"),
        ]
        told = {(answer.status_code, answer.json()["code"]) for answer in answers}
        assert told == {(403, "leads_for_admins")}
    assert len(await listed(people.ada)) == 1


@pytest.mark.proves("LEAD-102")
async def test_an_admin_of_another_organisation_finds_nothing(people: People, worker: Work) -> None:
    other = await people.add_organisation()
    stranger = await people.add(roles=("OrgAdmin",), organisation_id=other)
    await worker.run("lead.manual", reported())
    (lead,) = await listed(people.ada)

    assert await listed(stranger) == []
    hidden = await stranger.post(f"{LEADS}/{lead['id']}/done", json={})
    missing = await stranger.post(f"{LEADS}/{uuid4()}/done", json={})
    for answer in (hidden, missing):
        assert answer.status_code == 404
    assert hidden.json()["detail"] == missing.json()["detail"]
    assert (await stranger.post(f"{LEADS}/{lead['id']}/reopen")).status_code == 404


@pytest.mark.proves("LEAD-102")
async def test_a_key_of_few_scopes_does_not_open_an_admins_leads(
    people: People, worker: Work, anyone: Any
) -> None:
    await worker.run("lead.manual", reported())
    asked = {"name": "narrow", "scopes": ["view_audit_logs", "manage_org_kb"]}
    key = (await people.ada.post("/api/v1/api-keys", json=asked)).json()["key"]
    answer = await anyone.get(LEADS, headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 403


@pytest.mark.proves("LEAD-102")
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=8))
async def test_whatever_is_reported_each_admin_sees_their_own_organisations_leads_and_no_others(
    people: People, worker: Work, plan: list[tuple[int, int]]
) -> None:
    organisations = [await people.add_organisation() for _ in range(3)]
    admins = [await people.add(roles=("OrgAdmin",), organisation_id=one) for one in organisations]
    for whose, number in plan:
        await worker.run("lead.manual", reported(f"k{number}", organisations[whose], first_name=f"{whose}"))
    for place, admin in enumerate(admins):
        leads = await listed(admin)
        assert {lead["key"] for lead in leads} == {f"k{number}" for whose, number in plan if whose == place}
        assert {lead["lead"]["first_name"] for lead in leads} <= {str(place)}


@pytest.mark.proves("LEAD-103")
async def test_what_a_person_gave_is_sealed_in_the_database_and_absent_from_the_record(
    people: People, worker: Work
) -> None:
    await worker.run("lead.manual", reported())
    (lead,) = await listed(people.ada)
    await people.ada.post(f"{LEADS}/{lead['id']}/done", json={})

    async with people.ports.database.begin() as session:
        row = (await session.execute(text("SELECT row_to_json(l)::text FROM manual_leads l"))).scalar_one()
        records = (await session.scalars(select(AuditRecordRow).order_by(AuditRecordRow.at))).all()
    for secret in (EMAIL, PHONE, "Guest", "Private"):
        assert secret not in row
        assert secret not in json.dumps([record.data for record in records])
    assert [record.type for record in records] == ["leads.read", "lead.done"]
    assert all(lead["id"] in json.dumps(record.data) for record in records)


@pytest.mark.proves("LEAD-103")
async def test_a_sealed_lead_does_not_open_in_another_row(people: People, worker: Work) -> None:
    other = await people.add_organisation()
    stranger = await people.add(roles=("OrgAdmin",), organisation_id=other)
    await worker.run("lead.manual", reported())
    await worker.run("lead.manual", reported(organisation_id=other, first_name="Other"))
    async with people.ports.database.begin() as session:
        stolen = await session.scalar(
            select(ManualLeadRow.details).where(ManualLeadRow.organisation_id == ORGANISATION_ID)
        )
        await session.execute(
            update(ManualLeadRow).where(ManualLeadRow.organisation_id == other).values(details=stolen)
        )
    (lead,) = await listed(stranger)
    assert EMAIL not in json.dumps(lead)
    assert "cannot be opened" in lead["why"]


@pytest.mark.proves("LEAD-104")
async def test_leads_are_forgotten_when_their_time_is_over(people: People, worker: Work) -> None:
    for key in ("done long ago", "done lately", "open for years", "open"):
        await worker.run("lead.manual", reported(key))
    for lead in await listed(people.ada):
        if lead["key"].startswith("done"):
            await people.ada.post(f"{LEADS}/{lead['id']}/done", json={})
    now = datetime.now(UTC)
    async with people.ports.database.begin() as session:
        row = ManualLeadRow
        long_ago, years = now - timedelta(days=31), now - timedelta(days=400)
        await session.execute(update(row).where(row.key == "done long ago").values(done_at=long_ago))
        await session.execute(update(row).where(row.key == "open for years").values(reported_at=years))

    await worker.run("leads.tidy", {})
    kept = [*await listed(people.ada), *await listed(people.ada, "done")]
    assert {lead["key"] for lead in kept} == {"open", "done lately"}


@pytest.mark.proves("LEAD-101")
async def test_a_long_list_pages_without_a_gap(people: People, worker: Work) -> None:
    for number in range(5):
        await worker.run("lead.manual", reported(f"k{number}"))
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await people.ada.get(LEADS, params={"limit": "2", **cursor})).json()
        seen += [lead["key"] for lead in page["items"]]
        if not page["next_cursor"]:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert seen == ["k4", "k3", "k2", "k1", "k0"]


@pytest.mark.proves("LEAD-103")
async def test_no_log_line_holds_what_the_person_gave(
    people: People, worker: Work, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = logging.getLogger().handlers[:], logging.getLogger().level
    configure(LogSettings(level="debug"), "test")
    try:
        await worker.run("lead.manual", reported())
        (lead,) = await listed(people.ada)
        await people.ada.post(f"{LEADS}/{lead['id']}/done", json={"crm_id": "1"})
        await worker.run("leads.tidy", {})
    finally:
        logging.getLogger().handlers[:], logging.getLogger().level = kept
        structlog.reset_defaults()
    written = capsys.readouterr()
    for secret in (EMAIL, PHONE, "Private"):
        assert secret not in written.err + written.out
