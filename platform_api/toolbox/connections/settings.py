"""How accounts at tool servers are connected."""

from pydantic import Field

from kit.settings import Settings


class ConnectionsSettings(Settings):
    section = "connections"

    public_url: str = Field(
        default="",
        description="Where browsers reach this platform, such as `https://switchboard.example.com`; the"
        " redirect URI at authorization servers is that plus `/api/v1/connections/callback`.",
    )
    refresh_apart: bool = Field(
        default=True,
        description="Refresh tokens in a small process apart, so that a crash of the api loses none.",
    )
    answer_within_s: float = Field(
        default=15.0, gt=0, le=60, description="Time limit of an authorization server's answer, seconds."
    )
