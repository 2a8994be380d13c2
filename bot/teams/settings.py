"""Teams: which bot we are there, and whose people we serve."""

import socket

from pydantic import Field, SecretStr

from kit.settings import Settings

PUBLIC_ISSUER = "https://api.botframework.com"
PUBLIC_METADATA = "https://login.botframework.com/v1/.well-known/openidconfiguration"
SERVICE_HOSTS = (
    "smba.trafficmanager.net",
    "smba.infra.gcc.teams.microsoft.com",
    "smba.infra.gov.teams.microsoft.us",
    "smba.infra.dod.teams.microsoft.us",
)
FILE_HOSTS = (".sharepoint.com", ".sharepoint.us", ".sharepoint-mil.us", ".sharepoint.cn")


class TeamsSettings(Settings):
    section = "teams"

    app_id: str = Field(default="", description="The bot's application (client) id in Entra.")
    password: SecretStr = Field(default=SecretStr(""), description="The application's client secret.")
    certificate: SecretStr = Field(
        default=SecretStr(""), description="Instead of a secret: the certificate's private key, as PEM."
    )
    certificate_thumbprint: str = Field(default="", description="SHA-1 of that certificate, as hex.")
    tenant: str = Field(default="", description="The tenant of the application: a single-tenant bot.")
    tenants: list[str] = Field(
        default_factory=list,
        description="Tenants whose people we answer, besides `tenant`. Whoever is in one of them, no guest, "
        "gets at least what everyone in the organisation may see.",
    )
    bot_key: SecretStr = Field(
        default=SecretStr(""), description="The key that `POST /api/v1/admin/bots` gave for `teams`."
    )
    platform_url: str = Field(default="http://localhost:8000", description="Where the platform answers.")
    name: str = Field(
        default_factory=socket.gethostname,
        description="This replica's name, the same after a restart and no other's: what it left unfinished "
        "it takes up at once.",
    )
    agent: str = Field(default="", description="The agent that answers; empty: the default one.")
    at_once: int = Field(default=64, ge=1, le=1000, description="Turns that run at the same time.")
    largest_file_mb: int = Field(default=25, ge=1, le=500, description="Of a file that somebody sends us.")
    issuer: str = Field(default=PUBLIC_ISSUER, description="Who signs what Teams sends us.")
    metadata_url: str = Field(default=PUBLIC_METADATA, description="Where that issuer names its keys.")
    login_url: str = Field(
        default="https://login.microsoftonline.com", description="Where we get our own tokens."
    )
    scope: str = Field(default="https://api.botframework.com", description="What our own tokens are for.")
    oauth_url: str = Field(
        default="https://token.botframework.com", description="The token service, for single sign-on."
    )
    sso_resource: str = Field(
        default="",
        description="`api://bot.example.com/botid-<app id>`: single sign-on; empty: codes link accounts.",
    )
    service_hosts: list[str] = Field(
        default_factory=lambda: list(SERVICE_HOSTS),
        description="Hosts that get our tokens and messages (https); one with its scheme is taken as it is.",
    )
    file_hosts: list[str] = Field(
        default_factory=lambda: list(FILE_HOSTS),
        description="Where files that people send may be fetched from; `.example.com`: any host below it.",
    )
    playground: bool = Field(
        default=False,
        description="Take unsigned messages of the Microsoft 365 Agents Playground. On loopback only, and "
        "only without `app_id`.",
    )

    @property
    def served(self) -> frozenset[str]:
        return frozenset(filter(None, (self.tenant, *self.tenants)))

    @property
    def credential(self) -> str | dict[str, str]:
        """As MSAL takes it."""
        if key := self.certificate.get_secret_value():
            return {"private_key": key, "thumbprint": self.certificate_thumbprint}
        return self.password.get_secret_value()
