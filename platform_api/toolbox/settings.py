"""How long the gateway may take."""

from pydantic import Field

from kit.settings import Settings


class ToolboxSettings(Settings):
    section = "toolbox"

    call_timeout_s: float = Field(
        default=30.0, gt=0, le=600, description="Time limit of a tool call, seconds."
    )
    list_timeout_s: float = Field(default=10.0, gt=0, le=60, description="Time limit of listing, seconds.")
