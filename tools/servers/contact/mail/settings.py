"""How mail is sent."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

from kit.settings import Settings
from tools.servers.contact.patience import MAIL


class MailSettings(Settings):
    """How mail about meetings is sent."""

    section = "mail"

    backend: Literal["outbox", "smtp", "graph"] = Field(
        default="outbox", description="`outbox` writes .eml files, `smtp` and `graph` send."
    )
    outbox: Path = Field(
        default=Path(".switchboard/outbox"), description="Folder of the outbox; replicas share it."
    )
    sender: str = Field(
        default="no-reply@switchboard.localhost", description="The address in From. With Graph: the mailbox."
    )
    sender_name: str = Field(default="Switchboard", description="The name in From.")
    timeout_s: float = Field(default=MAIL.timeout_s, gt=0, description="Limit of one attempt, in seconds.")
    smtp_host: str = Field(default="localhost", description="The SMTP server.")
    smtp_port: int = Field(default=587, ge=1, le=65535, description="587 for STARTTLS, 465 for TLS.")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        default="starttls",
        description="`starttls` insists on it. `none` is for a relay on the same machine.",
    )
    smtp_username: str = Field(default="", description="Empty: without signing in.")
    smtp_password: SecretStr = Field(default=SecretStr(""), description="Of smtp_username.")
