"""The table of contents: every router of the platform. Read this first."""

from fastapi import APIRouter

from platform_api.audit import endpoints as audit
from platform_api.chat import endpoints as chat
from platform_api.health import endpoints as health
from platform_api.identity import endpoints as identity
from platform_api.library import endpoints as library
from platform_api.sessions import endpoints as sessions
from platform_api.toolbox import endpoints as toolbox

ROUTERS: tuple[APIRouter, ...] = (
    chat.router,  # /api/v1/chat, /api/v1/chat/stream, /api/v1/sessions/{id}/turns/{turn_id}/stream
    sessions.router,  # /api/v1/sessions, /api/v1/messages/{id}/feedback
    library.router,  # /api/v1/knowledge-bases, /api/v1/documents, /api/v1/jobs
    toolbox.router,  # /api/v1/tools
    identity.router,  # /api/v1/me, /api/v1/api-keys
    identity.public,  # /.well-known/jwks.json
    toolbox.internal,  # /internal/v1/registry, /internal/v1/principals/resolve, /internal/v1/grants
    audit.internal,  # /internal/v1/events
    health.router,  # /health/…, /metrics
)

# Only where SWITCHBOARD_IDENTITY__DEV_SIGN_IN is on, which only the all-in-one shape may do.
DEV_ROUTERS: tuple[APIRouter, ...] = (identity.dev_only,)  # /auth/dev
