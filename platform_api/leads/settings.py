"""How long leads of the list are kept."""

from pydantic import Field

from kit.settings import Settings


class LeadsSettings(Settings):
    """The list of leads for manual entry."""

    section = "leads"

    done_kept_days: int = Field(default=30, ge=1, description="How long a lead that was entered is kept.")
    open_kept_days: int = Field(
        default=365, ge=1, description="How long one is kept that nobody enters; then it is forgotten."
    )
