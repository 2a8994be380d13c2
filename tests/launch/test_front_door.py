"""The one port of the all-in-one: for this machine, not for pages that a browser on it has open."""

import pytest
from httpx import ASGITransport, AsyncClient
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from launch.front_door import FrontDoor

SIGN_IN = "/auth/dev"


async def platform(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("platform")(scope, receive, send)


async def gateway(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("gateway")(scope, receive, send)


def browser(address: str) -> AsyncClient:
    """Whatever calls the port under this address."""
    door = FrontDoor(platform, gateway)
    door.open()
    return AsyncClient(transport=ASGITransport(door), base_url=address)


@pytest.mark.parametrize("address", ["http://localhost:8000", "http://127.0.0.1:8000", "http://[::1]:8000"])
async def test_this_machine_comes_in(address: str) -> None:
    async with browser(address) as here:
        assert (await here.post(SIGN_IN)).text == "platform"
        assert (await here.post(SIGN_IN, headers={"Origin": address})).text == "platform"
        assert (await here.post("/mcp")).text == "gateway"


@pytest.mark.proves("IDENTITY-003")
@pytest.mark.parametrize("path", [SIGN_IN, "/metrics", "/mcp", "/docs"])
async def test_a_page_whose_name_was_rebound_to_this_machine_stays_outside(path: str) -> None:
    async with browser("http://rebound.example:8000") as page:
        refused = await page.post(path)

    assert refused.status_code == 421
    assert refused.headers["content-type"] == "application/problem+json"
    assert "localhost" in refused.json()["hint"]


@pytest.mark.proves("IDENTITY-003")
@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://localhost.evil.example", "http://["]
)
async def test_a_page_from_elsewhere_cannot_sign_in(origin: str) -> None:
    async with browser("http://localhost:8000") as page:
        assert (await page.post(SIGN_IN, headers={"Origin": origin})).status_code == 421


@pytest.mark.parametrize(
    "host", ["", "localhost@evil.example", "evil.example#localhost", "[", "127.0.0.1.evil.example"]
)
async def test_an_odd_host_stays_outside(host: str) -> None:
    async with browser("http://localhost:8000") as odd:
        assert (await odd.get("/docs", headers={"Host": host})).status_code == 421
