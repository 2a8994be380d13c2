"""How people sign in."""

from pydantic import Field

from kit.settings import Settings


class IdentitySettings(Settings):
    section = "identity"

    dev_sign_in: bool = Field(
        default=False,
        description="Sign in as a dev person without a password (`POST /auth/dev`). "
        "Only `switchboard up` may turn this on; every other process refuses to start with it.",
    )
