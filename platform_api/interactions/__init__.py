"""What we asked a person and wait for: forms, choices, approvals, pages to open (SPEC 5)."""

from platform_api.interactions.asking import Answered, Suspended
from platform_api.interactions.service import Interactions

__all__ = ["Answered", "Interactions", "Suspended"]
