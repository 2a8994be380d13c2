"""What every CRM does with a lead, asked of each of them; then what only one of them can get wrong."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from ports.db import Database
from tests.clocks import HandClock
from tests.tools.contact.crm import hubspot_stub
from tests.tools.contact.crm.hubspot_stub import TOKEN, Account, error
from tools.servers.contact.crm import Crm, CrmRefused, CrmSettings, CrmUnavailable, Lead, open_crm
from tools.servers.contact.crm.hubspot import HubSpot
from tools.servers.contact.crm.local import LocalCrm, leads_of
from tools.servers.contact.crm.models import CrmConsentRow
from tools.servers.contact.people import Owner

ORGANISATION = UUID(int=7)
EMAIL = "gary.guest@example.org"


def lead(**others: Any) -> Lead:
    given: dict[str, Any] = {
        "first_name": "Gary",
        "last_name": "Guest",
        "email": EMAIL,
        "phone": "+61491570156",
        "company": "Guest Pty",
        "reason": "training",
        "service": "ace",
        "message": "About ACE.",
        "consent": {"privacy": True, "contact": False, "record_id": str(uuid4())},
        "source": {"channel": "slack"},
    }
    return Lead.model_validate({**given, **others})


def owner(organisation: UUID = ORGANISATION) -> Owner:
    return Owner(organisation, uuid4())


@dataclass
class Backend:
    """known: e-mail → what the CRM has, of the owner's organisation."""

    crm: Crm
    known: Callable[[], Any]


@pytest.fixture(params=["local", "hubspot"])
async def backend(request: pytest.FixtureRequest, database: Database) -> AsyncIterator[Backend]:
    if request.param == "local":
        yield Backend(LocalCrm(database, HandClock()), lambda: kept(database))
        return
    async with hubspot_stub.running() as account:
        crm = hubspot(account)

        async def known() -> dict[str, str]:
            return {email: one["firstname"] for email, one in account.contacts.items()}

        yield Backend(crm, known)
        await crm.close()


async def kept(database: Database, organisation: UUID = ORGANISATION) -> dict[str, str]:
    async with database.begin() as session:
        rows = await leads_of(session, owner(organisation))
    return {row.email: row.content["first_name"] for row in rows}


def hubspot(account: Account, token: str = TOKEN, **others: Any) -> HubSpot:
    known: dict[str, Any] = {"record_url": "https://crm.test/record/{id}", "properties": {}}
    return HubSpot(account.url, token, 20, **{**known, **others})


@pytest.mark.proves("MAIL-105")
async def test_a_first_lead_is_created_and_the_next_of_the_same_person_updates_it(backend: Backend) -> None:
    first = await backend.crm.upsert(owner(), "k1", lead())
    second = await backend.crm.upsert(
        owner(), "k2", lead(email="Gary.Guest@Example.org", first_name="Gareth")
    )
    assert (first.created, first.updated) == (True, False)
    assert (second.created, second.updated, second.lead_id) == (False, True, first.lead_id)
    assert await backend.known() == {EMAIL: "Gareth"}


@pytest.mark.proves("MAIL-105")
async def test_the_same_key_again_is_the_same_lead(backend: Backend) -> None:
    who = owner()
    first = await backend.crm.upsert(who, "k1", lead())
    again = await backend.crm.upsert(who, "k1", lead())
    assert again.lead_id == first.lead_id
    assert len(await backend.known()) == 1


@pytest.mark.proves("MAIL-105")
async def test_many_at_once_are_one_lead(backend: Backend) -> None:
    who = owner()
    entered = await asyncio.gather(
        *(backend.crm.upsert(who, f"k{number % 3}", lead()) for number in range(12))
    )
    assert len({one.lead_id for one in entered}) == 1
    assert len(await backend.known()) == 1


@pytest.mark.proves("MAIL-105")
async def test_what_a_second_lead_leaves_out_stays_known(database: Database) -> None:
    async with hubspot_stub.running() as account:
        crm = hubspot(account)
        await crm.upsert(owner(), "k1", lead())
        await crm.upsert(owner(), "k2", lead(phone=None, company=None, last_name="Other"))
        assert account.contacts[EMAIL]["phone"] == "+61491570156"
        assert account.contacts[EMAIL]["lastname"] == "Other"
        await crm.close()
    local = LocalCrm(database, HandClock())
    await local.upsert(owner(), "k1", lead())
    await local.upsert(owner(), "k2", lead(phone=None, company=None, last_name="Other"))
    async with database.begin() as session:
        (row,) = await leads_of(session, owner())
    assert (row.content["phone"], row.content["last_name"]) == ("+61491570156", "Other")


@pytest.mark.proves("MAIL-105")
async def test_the_same_person_is_another_lead_in_another_organisation(database: Database) -> None:
    crm = LocalCrm(database, HandClock())
    mine = await crm.upsert(owner(), "k1", lead())
    theirs = await crm.upsert(owner(UUID(int=8)), "k1", lead(first_name="Other"))
    assert theirs.created
    assert mine.lead_id != theirs.lead_id
    assert await kept(database) == {EMAIL: "Gary"}
    assert await kept(database, UUID(int=8)) == {EMAIL: "Other"}


@pytest.mark.proves("MAIL-105")
async def test_the_local_table_answers_a_key_as_it_did_and_an_old_one_changes_nothing(
    database: Database,
) -> None:
    crm, who = LocalCrm(database, HandClock()), owner()
    first = await crm.upsert(who, "k1", lead())
    await crm.upsert(who, "k2", lead(first_name="Gareth"))
    assert await crm.upsert(who, "k1", lead()) == first
    assert await kept(database) == {EMAIL: "Gareth"}


@pytest.mark.proves("MAIL-105")
async def test_every_consent_stays_on_record(database: Database) -> None:
    crm, who = LocalCrm(database, HandClock()), owner()
    yes = {"privacy": True, "contact": True, "record_id": str(uuid4())}
    no = {"privacy": True, "contact": False, "record_id": str(uuid4())}
    await crm.upsert(who, "k1", lead(consent=yes))
    await crm.upsert(who, "k2", lead(consent=no))
    await crm.upsert(who, "k2", lead(consent=no))
    async with database.begin() as session:
        rows = (await session.scalars(select(CrmConsentRow))).all()
    assert {(str(row.record_id), row.contact) for row in rows} == {
        (yes["record_id"], True),
        (no["record_id"], False),
    }
    assert len(rows) == 2


@pytest.mark.proves("MAIL-105")
async def test_hubspot_is_told_all_and_what_it_has_no_property_for_stands_in_the_message() -> None:
    async with hubspot_stub.running() as account:
        crm = hubspot(account, properties={"reason": "sb_reason", "consent_contact": "sb_contact"})
        entered = await crm.upsert(owner(), "k1", lead())
        known = account.contacts[EMAIL]
        assert entered.crm_url == f"https://crm.test/record/{entered.lead_id}"
        assert (known["firstname"], known["sb_reason"], known["sb_contact"]) == ("Gary", "training", "false")
        assert known["message"].startswith("About ACE.\n\nservice: ace\n")
        assert "reason" not in known["message"]
        await crm.close()


@pytest.mark.proves("MAIL-105")
@pytest.mark.parametrize(
    ("trouble", "wait"),
    [
        ((429, {"Retry-After": "9"}, error("RATE_LIMITS", policyName="SECONDLY"), False), 9),
        ((429, {}, error("RATE_LIMITS", errorType="RATE_LIMIT"), False), None),
        ((409, {}, error("CONFLICT"), False), None),
        ((502, {}, "<html>", False), None),
        ((503, {}, error("INTERNAL_ERROR"), True), None),
        ((0, {}, None, True), None),
        ((0, {}, None, False), None),
        ((207, {}, {"status": "COMPLETE", "results": [], "errors": [error("CONFLICT")]}, False), None),
    ],
)
async def test_what_may_be_mended_by_trying_again_is_and_leaves_one_contact(
    trouble: tuple[int, dict[str, str], Any, bool], wait: float | None
) -> None:
    async with hubspot_stub.running() as account:
        crm, who = hubspot(account), owner()
        account.troubles = [trouble]
        with pytest.raises(CrmUnavailable) as late:
            await crm.upsert(who, "k1", lead())
        assert late.value.retry_after == wait
        assert (await crm.upsert(who, "k1", lead())).lead_id == "501"
        assert len(account.contacts) == 1
        await crm.close()


@pytest.mark.proves("MAIL-105", "MAIL-107")
@pytest.mark.parametrize(
    "trouble",
    [
        (400, {}, error("VALIDATION_ERROR", errors=[error("VALIDATION_ERROR")]), False),
        (403, {}, error("MISSING_SCOPES"), False),
        (207, {}, {"status": "COMPLETE", "results": [], "errors": [error("VALIDATION_ERROR")]}, False),
        (200, {}, {"status": "COMPLETE", "results": []}, False),
        (200, {}, ["not an object"], False),
    ],
)
async def test_what_will_never_be_taken_is_refused_without_repeating_the_lead(
    trouble: tuple[int, dict[str, str], Any, bool],
) -> None:
    async with hubspot_stub.running() as account:
        crm = hubspot(account)
        account.troubles = [trouble]
        with pytest.raises(CrmRefused) as refused:
            await crm.upsert(owner(), "k1", lead())
        assert EMAIL not in str(refused.value)
        assert not refused.value.retryable
        await crm.close()


@pytest.mark.proves("MAIL-105")
async def test_a_wrong_token_is_refused_and_shown_nowhere(database: Database) -> None:
    async with hubspot_stub.running() as account:
        settings = CrmSettings(backend="hubspot", url=account.url, token="wrong-token")  # type: ignore[arg-type]  as the environment gives it
        crm = open_crm(settings, database, HandClock())
        with pytest.raises(CrmRefused) as refused:
            await crm.upsert(owner(), "k1", lead())
        assert "INVALID_AUTHENTICATION" in refused.value.detail
        assert "wrong-token" not in repr(settings) + str(refused.value)
        assert isinstance(crm, HubSpot)
        await crm.close()
