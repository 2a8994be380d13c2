"""The bot's own tokens, from an issuer of ours with Entra's shapes: MSAL as it is, over https."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from bot.teams.quirks import Credentials
from bot.teams.sending import TeamsTrouble
from bot.teams.settings import TeamsSettings
from tests.bot.teams import tls

TENANT = "aaaaaaaa-0000-4000-8000-00000000ac3e"


class Entra:
    def __init__(self) -> None:
        self.url = ""
        self.asked: list[dict[str, Any]] = []
        self.refuses = False

    async def metadata(self, _: web.Request) -> web.Response:
        return _closing(self._metadata())

    def _metadata(self) -> web.Response:
        base = f"{self.url}/{TENANT}"
        return web.json_response(
            {
                "issuer": f"{base}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
            }
        )

    async def token(self, request: web.Request) -> web.Response:
        self.asked.append(dict(await request.post()))
        if self.refuses:
            told = {"error": "invalid_client", "error_description": "no"}
            return _closing(web.json_response(told, status=401))
        given = {"access_token": f"t-{len(self.asked)}", "expires_in": 3600}
        return _closing(web.json_response(given))


def _closing(response: web.Response) -> web.Response:
    # MSAL keeps its connections for ever.
    response.force_close()
    return response


@pytest.fixture
async def entra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Entra]:
    context, certificate = tls.made(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    issuer = Entra()
    app = web.Application()
    app.router.add_get(f"/{TENANT}/v2.0/.well-known/openid-configuration", issuer.metadata)
    app.router.add_post(f"/{TENANT}/oauth2/v2.0/token", issuer.token)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    issuer.url = f"https://localhost:{runner.addresses[0][1]}"
    yield issuer
    await runner.cleanup()


def credentials(url: str, **changes: Any) -> Credentials:
    fields: dict[str, Any] = {"app_id": "app-1", "password": SecretStr("s3cret"), "tenant": TENANT}
    fields["login_url"] = url
    fields |= changes
    return Credentials(TeamsSettings(**fields))


async def test_a_token_is_asked_for_once_and_kept(entra: Entra) -> None:
    mine = credentials(entra.url)
    assert await asyncio.gather(*(mine.token() for _ in range(5))) == ["t-1"] * 5
    (asked,) = entra.asked
    assert asked["grant_type"] == "client_credentials"
    assert asked["scope"] == "https://api.botframework.com/.default"
    assert asked["client_secret"] == "s3cret"


async def test_a_secret_that_is_refused_is_trouble_that_does_not_pass(entra: Entra) -> None:
    entra.refuses = True
    with pytest.raises(TeamsTrouble) as caught:
        await credentials(entra.url).token()
    assert not caught.value.passing


async def test_an_issuer_that_is_away_is_trouble_that_passes() -> None:
    with pytest.raises(TeamsTrouble) as caught:
        await credentials("https://localhost:1").token()
    assert caught.value.passing


async def test_the_playground_wants_no_token() -> None:
    assert await credentials("https://localhost:1", app_id="", playground=True).token() == ""
