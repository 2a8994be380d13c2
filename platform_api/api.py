"""The table of contents: every router of the platform. Read this first."""

from fastapi import APIRouter
from fastapi.routing import APIRoute

from platform_api.account import endpoints as account
from platform_api.agents import endpoints as agents
from platform_api.audit import endpoints as audit
from platform_api.channels import endpoints as channels
from platform_api.chat import endpoints as chat
from platform_api.health import endpoints as health
from platform_api.identity import endpoints as identity
from platform_api.interactions import endpoints as interactions
from platform_api.leads import endpoints as leads
from platform_api.library import endpoints as library
from platform_api.sessions import endpoints as sessions
from platform_api.toolbox import admin_endpoints as governance
from platform_api.toolbox import endpoints as toolbox
from platform_api.toolbox.connections import endpoints as connections
from platform_api.toolbox.connections import pages as connection_pages

ROUTERS: tuple[APIRouter, ...] = (
    chat.router,  # /api/v1/chat, /api/v1/chat/stream, /api/v1/sessions/{id}/turns/{turn_id}/stream
    sessions.router,  # /api/v1/sessions, /api/v1/messages/{id}/feedback
    interactions.router,  # /api/v1/interactions
    library.router,  # /api/v1/knowledge-bases, /api/v1/documents, /api/v1/jobs
    toolbox.router,  # /api/v1/tools
    governance.servers,  # /api/v1/mcp-servers
    governance.tools,  # /api/v1/admin/tools
    agents.router,  # /api/v1/tools/{name}/invoke
    connections.router,  # /api/v1/connections, /api/v1/mcp-servers/{name}/sign-in and /connections
    connections.internal,  # /internal/v1/connections/{server}/token
    connection_pages.router,  # /api/v1/connections/begin, /callback, /client: for browsers
    identity.router,  # /api/v1/me, /api/v1/api-keys
    account.router,  # /api/v1/links, /api/v1/admin/bots
    leads.router,  # /api/v1/admin/leads
    channels.router,  # /api/v1/deliveries, /api/v1/channels
    identity.public,  # /.well-known/jwks.json
    toolbox.internal,  # /internal/v1/registry, /internal/v1/principals/resolve, /internal/v1/grants
    interactions.internal,  # /internal/v1/one-shots
    audit.internal,  # /internal/v1/events
    health.router,  # /health/…, /metrics
)

# Only where SWITCHBOARD_IDENTITY__DEV_SIGN_IN is on, which only the all-in-one shape may do.
DEV_ROUTERS: tuple[APIRouter, ...] = (identity.dev_only,)  # /auth/dev


def table(routers: tuple[APIRouter, ...]) -> APIRouter:
    """All of them in one, made once: an application that takes its routes over shares what FastAPI works
    out of them, which costs more than everything else in building one."""
    whole = APIRouter(generate_unique_id_function=operation_name)
    for router in routers:
        whole.include_router(router)
    return whole


def operation_name(route: APIRoute) -> str:
    """The name of the function is the name of the operation in generated clients."""
    return route.name


TABLE = table(ROUTERS)
DEV_TABLE = table(DEV_ROUTERS)
