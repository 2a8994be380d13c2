"""The table of contents: every router of the platform. Read this first."""

from fastapi import APIRouter

from platform_api.health import endpoints as health
from platform_api.identity import endpoints as identity

ROUTERS: tuple[APIRouter, ...] = (
    identity.router,  # /api/v1/me, /api/v1/api-keys
    identity.public,  # /.well-known/jwks.json
    health.router,  # /health/…, /metrics
)

# Only where SWITCHBOARD_IDENTITY__DEV_SIGN_IN is on, which only the all-in-one shape may do.
DEV_ROUTERS: tuple[APIRouter, ...] = (identity.dev_only,)  # /auth/dev
