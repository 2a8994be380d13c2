"""The token for Microsoft Graph: from Entra through MSAL, kept, shared, and never asked for twice at once."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from kit.errors import Unavailable
from tests.clocks import HandClock
from tests.tools.contact.mail.test_smtp import certificate
from tools.servers.contact.graph import EntraToken, GraphRefused, GraphSettings


class Entra:
    """As much of it as client credentials need."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[dict[str, str]] = []
        self.answer: tuple[int, dict[str, Any]] | None = None

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/tenant/v2.0/.well-known/openid-configuration", self._described)
        app.router.add_post("/tenant/oauth2/v2.0/token", self._token)
        return app

    async def _described(self, _: web.Request) -> web.Response:
        place = f"{self.url}/tenant/oauth2/v2.0"
        return web.json_response(
            {
                "issuer": f"{self.url}/tenant/v2.0",
                "authorization_endpoint": f"{place}/authorize",
                "token_endpoint": f"{place}/token",
            }
        )

    async def _token(self, request: web.Request) -> web.Response:
        self.asked.append({name: str(value) for name, value in (await request.post()).items()})
        status, body = self.answer or (
            200,
            {"token_type": "Bearer", "expires_in": 3600, "access_token": f"token {len(self.asked)}"},
        )
        return web.json_response(body, status=status)


@asynccontextmanager
async def running(tls: ssl.SSLContext) -> AsyncIterator[Entra]:
    entra = Entra()
    runner = web.AppRunner(entra.app(), shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        entra.url = f"https://127.0.0.1:{runner.addresses[0][1]}"
        yield entra
    finally:
        await runner.cleanup()


def settings(entra: Entra) -> GraphSettings:
    return GraphSettings(
        tenant_id="tenant",
        client_id="11111111-2222-4333-8444-555555555555",
        client_secret="a secret of the test",  # type: ignore[arg-type]  as the environment gives it
        authority=entra.url,
    )


@pytest.fixture
async def entra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Entra]:
    serving, _ = certificate(tmp_path)
    # MSAL's own HTTP knows no other way to trust somebody
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "mail.pem"))
    async with running(serving) as one:
        yield one


@pytest.mark.proves("MAIL-101")
async def test_a_token_is_asked_for_once_and_again_before_it_ends(entra: Entra) -> None:
    clock = HandClock()
    token = EntraToken(settings(entra), clock)
    assert set(await asyncio.gather(*(token() for _ in range(8)))) == {"token 1"}
    (asked,) = entra.asked
    assert (asked["grant_type"], asked["scope"]) == (
        "client_credentials",
        "https://graph.microsoft.com/.default",
    )
    clock.move(minutes=54)
    assert await token() == "token 1"
    assert len(entra.asked) == 1


@pytest.mark.proves("MAIL-101")
async def test_what_entra_refuses_says_what_to_look_at_and_never_the_secret(entra: Entra) -> None:
    entra.answer = (
        401,
        {"error": "invalid_client", "error_description": "AADSTS7000215: a secret of the test"},
    )
    with pytest.raises(GraphRefused) as refused:
        await EntraToken(settings(entra), HandClock())()
    assert "invalid_client" in refused.value.detail
    assert "SWITCHBOARD_GRAPH__" in refused.value.hint
    assert "a secret of the test" not in refused.value.detail + repr(settings(entra))


@pytest.mark.proves("MAIL-101")
async def test_a_sign_in_that_does_not_answer_is_tried_again_later(entra: Entra) -> None:
    gone = settings(entra).model_copy(update={"authority": "https://127.0.0.1:9"})
    with pytest.raises(Unavailable):
        await EntraToken(gone, HandClock())()
