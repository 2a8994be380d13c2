"""How people sign in."""

from typing import Literal

from pydantic import Field

from kit.settings import Settings


class IdentitySettings(Settings):
    section = "identity"

    dev_sign_in: bool = Field(
        default=False,
        description="Sign in as a dev person without a password (`POST /auth/dev`). "
        "Only `switchboard up` may turn this on; every other process refuses to start with it.",
    )
    unlinked: Literal["everyones_documents", "ask_to_link"] = Field(
        default="everyones_documents",
        description="What somebody of a channel gets whose account is not linked: answers from the "
        "documents that everyone in the organisation may see, or the request to link.",
    )
    trusted_workspaces: list[str] = Field(
        default_factory=list,
        description="Workspaces and tenants (`slack:T024…`, `teams:<tenant>`) whose verified e-mail "
        "addresses link people without a code.",
    )
