"""`switchboard bot teams` refuses to start where it could not be safe, and says the next step."""

import pytest

from bot.teams.settings import TeamsSettings
from launch import separate
from launch.bot import serve_teams

GOOD = {"BOT_KEY": "key", "APP_ID": "app-1", "PASSWORD": "secret", "TENANT": "tenant-1"}


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GOOD.items():
        monkeypatch.setenv(f"SWITCHBOARD_TEAMS__{name}", value)


@pytest.mark.parametrize("name", list(GOOD))
async def test_a_setting_that_is_missing_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(f"SWITCHBOARD_TEAMS__{name}")
    with pytest.raises(separate.Missing, match=f"SWITCHBOARD_TEAMS__{name}"):
        await serve_teams(0, "127.0.0.1")


@pytest.mark.proves("TEAMS-104")
async def test_unsigned_messages_are_taken_on_loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_TEAMS__PLAYGROUND", "true")
    monkeypatch.delenv("SWITCHBOARD_TEAMS__APP_ID")
    for host in ("0.0.0.0", "::", "10.0.0.1", "bot.example.com"):
        with pytest.raises(separate.Refused, match="not on"):
            await serve_teams(0, host)


@pytest.mark.proves("TEAMS-104")
async def test_a_real_bot_never_takes_unsigned_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_TEAMS__PLAYGROUND", "true")
    with pytest.raises(separate.Refused, match="PLAYGROUND"):
        await serve_teams(0, "127.0.0.1")


def test_a_certificate_stands_for_a_secret() -> None:
    settings = TeamsSettings(certificate="pem", certificate_thumbprint="ab")  # pyright: ignore[reportArgumentType] (pydantic)
    assert settings.credential == {"private_key": "pem", "thumbprint": "ab"}
