"""The SDK's methods for admins, against the platform itself."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from switchboard_sdk import ApiError, Switchboard

from kit.wire.interactions import RememberedApproval
from platform_api.identity.dev_people import DEV_PEOPLE
from tests.platform_api.people import People
from tests.platform_api.toolbox.listing import ListingGateway, definition


@pytest.fixture
async def ada(people: People, app: FastAPI) -> AsyncIterator[Switchboard]:
    async with (
        Switchboard("http://platform", people.token(DEV_PEOPLE["ada"].id)) as switchboard,
        AsyncClient(transport=ASGITransport(app), base_url="http://platform") as client,
    ):
        transport = switchboard._transport  # pyright: ignore[reportPrivateUsage]  # no socket between the two
        await transport._client.aclose()  # pyright: ignore[reportPrivateUsage]  # as above
        transport._client = client  # pyright: ignore[reportPrivateUsage]  # as above
        yield switchboard


async def test_a_server_is_registered_approved_changed_and_deleted(
    ada: Switchboard, listing: ListingGateway
) -> None:
    server = await ada.mcp_servers.register(name="files", address="http://files.example/mcp")
    assert (await ada.mcp_servers.test(server.id)).tools == 2
    approved = await ada.mcp_servers.approve(
        server.id, tools=[{"name": "files.read", "policy": {"risk": "read"}}]
    )
    assert [tool.state for tool in approved.items] == ["approved"]
    tool = await ada.admin_tools.find("files.read")
    assert tool is not None
    changed = await ada.admin_tools.update(tool, roles=["TeamLead"], calls_per_min=3)
    assert changed.policy is not None
    assert (changed.policy.roles, changed.policy.calls_per_min) == (["TeamLead"], 3)
    with pytest.raises(ApiError, match="changed"):
        await ada.admin_tools.update(tool, roles=[])
    back = await ada.admin_tools.update(changed, calls_per_min=None)
    assert back.policy is not None
    assert (back.policy.roles, back.policy.calls_per_min) == (["TeamLead"], None)

    listing.tools[0] = definition(description="Something else.")
    shown = await ada.mcp_servers.definitions(server.id)
    assert shown.server.tools.quarantined == 1
    compared = await ada.admin_tools.definition(tool.id)
    assert [change.path for change in compared.changes] == ["description"]
    assert compared.seen_hash is not None
    assert (await ada.admin_tools.approve(tool.id, definition_hash=compared.seen_hash)).state == "approved"
    assert [one.name async for one in ada.admin_tools.all(state="pending")] == ["files.write"]

    assert (await ada.admin_tools.quarantine(tool.id, "odd")).reason == "odd"
    assert (await ada.admin_tools.release(tool.id)).state == "approved"
    found = await ada.mcp_servers.find("files")
    assert found is not None
    quiet = await ada.mcp_servers.update(found, disabled=True)
    assert quiet.state == "disabled"
    assert (await ada.mcp_servers.quarantine(server.id, "incident")).quarantined == "incident"
    await ada.mcp_servers.release(server.id)
    types = {event.type async for event in ada.mcp_servers.logs(server.id)}
    assert {"tool_server.registered", "tool.approved", "tool.drifted"} <= types
    assert (await ada.mcp_servers.usage(server.id)).items == []
    await ada.mcp_servers.delete(server.id)
    assert await ada.mcp_servers.find("files") is None


async def test_what_is_remembered_of_approvals_is_listed_and_forgotten(
    ada: Switchboard, listing: ListingGateway
) -> None:
    now = datetime.now(UTC)
    kept = RememberedApproval(id="a" * 64, tool="t", server="s", remembered_at=now, expires_at=now)
    listing.remembered[str(DEV_PEOPLE["ada"].id)] = [kept]
    assert [one async for one in ada.interactions.remembered()] == [kept]
    await ada.interactions.forget(kept.id)
    assert [one async for one in ada.interactions.remembered()] == []
