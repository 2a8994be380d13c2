"""How long the gateway may take."""

from pydantic import Field

from kit.settings import Settings


class ToolboxSettings(Settings):
    section = "toolbox"

    call_timeout_s: float = Field(
        default=120.0,
        gt=0,
        le=600,
        description="How long a call waits for the gateway, seconds. The gateway itself ends each call after"
        " what the tool's definition allows: 30 unless it says otherwise.",
    )
    list_timeout_s: float = Field(default=10.0, gt=0, le=60, description="Time limit of listing, seconds.")
