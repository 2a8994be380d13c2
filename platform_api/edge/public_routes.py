"""Who may come in unknown: every public path stands here with its reason, everything else is guarded.

Checked at start: the platform refuses to start with a route that is neither.
"""

from collections.abc import Callable, Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts

PUBLIC_ROUTES: dict[str, str] = {
    "/openapi.json": "the description of the API holds nothing of anybody",
    "/docs": "the same, to read",
    "/docs/assets": "part of /docs",
    "/docs/oauth2-redirect": "part of /docs",
    "/.well-known/jwks.json": "public keys are for everybody (RFC 7517)",
    "/auth/dev": "this is where one becomes known; only in the all-in-one shape",
    "/api/v1/connections/begin/{ticket}": "a browser that follows a person's own link; the ticket says whose",
    "/api/v1/connections/callback/{mark}": "authorization servers send browsers; state and cookie decide",
    "/api/v1/connections/client/{document}": "authorization servers read our client metadata (CIMD) here",
    "/health/live": "asked by whatever restarts us, before anybody can sign in",
    "/health/ready": "asked by the load balancer",
    "/health/startup": "asked by whatever waits for us",
    "/metrics": "scraped inside the cluster; counts, no names (SPEC 12). In the all-in-one names of"
    " tools are among the gateway's, and that answers this machine only. The gateway's own asks for a token",
    "/mcp": "the gateway behind it authenticates each call itself",
    "/servers": "the gateway behind it authenticates each call itself",
}


class UnguardedRoute(RuntimeError):
    """A route that asks nobody who they are. Depend on a principal, or add a line with the reason."""


def check_guarded(
    app: FastAPI, guards: frozenset[Callable[..., Any]], public: dict[str, str] = PUBLIC_ROUTES
) -> None:
    """Raises UnguardedRoute with the paths that neither depend on a guard nor are public."""
    unguarded = [path for path, guarded in _routes(app, guards) if not guarded and path not in public]
    if unguarded:
        raise UnguardedRoute(f"not guarded and not in PUBLIC_ROUTES: {', '.join(sorted(unguarded))}")


def _routes(app: FastAPI, guards: frozenset[Callable[..., Any]]) -> Iterator[tuple[str, bool]]:
    for route in iter_route_contexts(app.router.routes):
        dependant: Dependant | None = getattr(route, "dependant", None)
        yield route.path or str(route.original_route), dependant is not None and _depends(dependant, guards)


def _depends(dependant: Dependant, guards: frozenset[Callable[..., Any]]) -> bool:
    return dependant.call in guards or any(_depends(child, guards) for child in dependant.dependencies)
