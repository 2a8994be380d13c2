"""Every table of the platform, by importing every domain's models."""

from typing import Final

from platform_api.audit import models as audit
from platform_api.channels import models as channels
from platform_api.chat import models as chat
from platform_api.edge import idempotency
from platform_api.identity import models as identity
from platform_api.interactions import models as interactions
from platform_api.leads import models as leads
from platform_api.library import models as library
from platform_api.llm import models as llm
from platform_api.sessions import models as sessions
from platform_api.toolbox import models as toolbox
from platform_api.toolbox.connections import models as connections
from ports.db import Base, sealed_columns

DOMAINS: Final = (
    audit,
    channels,
    chat,
    connections,
    idempotency,
    identity,
    interactions,
    leads,
    library,
    llm,
    sessions,
    toolbox,
)
METADATA: Final = Base.metadata
SEALED: Final = tuple(sealed_columns())
"""The columns whose texts a new key of the vault has to seal again."""
