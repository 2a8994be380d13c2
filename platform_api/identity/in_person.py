"""What is done by the person alone, not by a bot for them (SPEC 6)."""

from platform_api.identity.errors import NotThroughAChannel
from platform_api.identity.principals import CurrentPrincipal


async def in_person(principal: CurrentPrincipal) -> None:
    """For routes on which admins decide what lasts: whoever steals a bot's key could otherwise be every admin
    who has linked an account. Raises NotThroughAChannel."""
    if principal.acting_via is not None:
        raise NotThroughAChannel
