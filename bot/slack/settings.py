"""Slack: which app we are there, and which workspaces we serve."""

import socket

from pydantic import Field, SecretStr

from kit.settings import Settings


class SlackSettings(Settings):
    section = "slack"

    app_token: SecretStr = Field(
        default=SecretStr(""), description="`xapp-…`: with it we come in by Socket Mode, without an address."
    )
    bot_token: SecretStr = Field(
        default=SecretStr(""), description="`xoxb-…` of the one workspace; empty: workspaces install us."
    )
    signing_secret: SecretStr = Field(
        default=SecretStr(""), description="What Slack signs its requests with; needed for HTTP."
    )
    client_id: str = Field(default="", description="With `client_secret`: workspaces may install us (OAuth).")
    client_secret: SecretStr = Field(default=SecretStr(""), description="Belongs to `client_id`.")
    workspaces: list[str] = Field(
        default_factory=list,
        description="Ids of workspaces (`T…`) or Grid organisations (`E…`) that may install us. Whoever is "
        "in one of them gets at least what everyone in the organisation may see.",
    )
    bot_key: SecretStr = Field(
        default=SecretStr(""), description="The key that `POST /api/v1/admin/bots` gave for `slack`."
    )
    platform_url: str = Field(default="http://localhost:8000", description="Where the platform answers.")
    api_url: str = Field(default="https://slack.com/api/", description="Slack's Web API.")
    name: str = Field(
        default_factory=socket.gethostname,
        description="This replica's name, the same after a restart and no other's: what it left unfinished "
        "it takes up at once.",
    )
    agent: str = Field(default="", description="The agent that answers; empty: the default one.")
    at_once: int = Field(default=64, ge=1, le=1000, description="Turns that run at the same time.")
    largest_file_mb: int = Field(default=50, ge=1, le=500, description="Of a file that somebody sends us.")
