"""What the contact server may tell the platform: its own events, of its token's organisation (SPEC 3b)."""

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from sqlalchemy import text
from ulid import ULID

from access.principal import Principal
from access.services import GATEWAY, contact_of
from access.tokens import Minter, SigningKey
from kit.clock import SystemClock
from platform_api.identity.dev_people import DEV_PEOPLE, ORGANISATION_ID
from tests.platform_api.people import People

EVENTS = "/internal/v1/events"
CLOSED = ("/internal/v1/registry", f"/internal/v1/grants/{'0' * 64}", "/api/v1/me", "/api/v1/tools")
SUMMARY = "Your meeting is booked."


def event(
    type: str = "booking.finished", organisation: UUID = ORGANISATION_ID, **data: Any
) -> dict[str, Any]:
    told = {
        "booking_id": str(uuid4()),
        "organisation_id": str(organisation),
        "user_id": str(DEV_PEOPLE["maya"].id),
        "what": "confirmed",
        "summary": SUMMARY,
        **data,
    }
    return {
        "id": str(ULID()),
        "at": "2026-12-01T10:00:00Z",
        "kind": "audit",
        "type": type,
        "organisation_id": str(organisation),
        "actor": "user:maya",
        "data": told,
    }


class Reporter:
    def __init__(self, people: People, app: FastAPI) -> None:
        self._app = app
        key = SigningKey.generate()
        people.ports.trusted.replace("contact", key.jwks())
        self._minter = Minter(key, "contact", SystemClock())

    async def tells(self, *events: dict[str, Any], who: Principal | None = None) -> int:
        return await self.asks("POST", EVENTS, who, {"events": events})

    async def asks(self, method: str, path: str, who: Principal | None = None, body: Any = None) -> int:
        token = self._minter.mint(who or contact_of(ORGANISATION_ID), "platform")
        async with AsyncClient(transport=ASGITransport(self._app), base_url="http://platform") as client:
            sent = await client.request(method, path, json=body, headers={"authorization": f"Bearer {token}"})
        return sent.status_code


@pytest.fixture
def reporter(people: People, app: FastAPI) -> Reporter:
    return Reporter(people, app)


@pytest.mark.proves("BOOK-115")
async def test_a_report_is_recorded_without_what_it_says_and_handed_on_with_it(
    reporter: Reporter, people: People
) -> None:
    told = event()
    assert await reporter.tells(told) == 202
    assert await reporter.tells(told) == 202
    async with people.ports.database.begin() as session:
        kept = (
            await session.execute(text("SELECT data FROM audit_records WHERE id = :id"), told)
        ).scalar_one()
        jobs = (
            await session.execute(
                text("SELECT args FROM procrastinate_jobs WHERE task_name = 'booking.finished'")
            )
        ).scalars()
        assert [job["data"]["summary"] for job in jobs] == [SUMMARY]
    assert "summary" not in kept
    assert kept["what"] == "confirmed"


@pytest.mark.proves("BOOK-115")
async def test_another_organisation_or_another_kind_of_record_is_refused(reporter: Reporter) -> None:
    other = uuid4()
    assert await reporter.tells(event(), event(organisation=other)) == 403
    assert await reporter.tells(event(organisation_id=str(other))) == 403
    assert await reporter.tells(event("tool.quarantined")) == 403
    assert await reporter.tells(event("sign_in")) == 403
    assert await reporter.tells(event(organisation=other), who=contact_of(other)) == 202


@pytest.mark.proves("BOOK-115")
async def test_its_key_opens_nothing_else(reporter: Reporter) -> None:
    maya = Principal(ORGANISATION_ID, DEV_PEOPLE["maya"].id, name="Maya", roles=frozenset({"OrgAdmin"}))
    for who in (contact_of(ORGANISATION_ID), maya, GATEWAY, replace(GATEWAY, id=maya.id)):
        for path in (
            "/internal/v1/registry",
            f"/internal/v1/grants/{'0' * 64}",
            "/api/v1/me",
            "/api/v1/tools",
        ):
            assert await reporter.asks("GET", path, who) == 401, (who.name, path)
    for who in (maya, GATEWAY, replace(contact_of(ORGANISATION_ID), name="else")):
        assert await reporter.tells(event(), who=who) == 401
