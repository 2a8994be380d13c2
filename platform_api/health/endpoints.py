"""Health ×3 and `/metrics` (SPEC 3)."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import structlog
from fastapi import APIRouter, Depends, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from kit.wire.base import Wire
from platform_api.edge import provided

log = structlog.get_logger()
router = APIRouter(tags=["operations"])
CHECK_LIMIT_S = 2.0
Check = Callable[[], Awaitable[object]]


class Alive(Wire):
    status: Literal["ok"] = "ok"


class Readiness(Wire):
    """`degraded`: it works without what is down, slower or with less."""

    status: Literal["ready", "degraded", "unavailable"]
    checks: dict[str, Literal["ok", "down"]]


@dataclass(frozen=True, slots=True)
class Health:
    """What to ask; without a `required` one we cannot serve, without the others we serve less."""

    required: Mapping[str, Check]
    useful: Mapping[str, Check]

    async def look(self) -> Readiness:
        checks = {**self.required, **self.useful}
        answers = await asyncio.gather(*(_answers(name, check) for name, check in checks.items()))
        up = dict(zip(checks, answers, strict=True))
        status = "ready" if all(answers) else "degraded"
        if not all(up[name] for name in self.required):
            status = "unavailable"
        return Readiness(status=status, checks={name: "ok" if good else "down" for name, good in up.items()})


async def _answers(name: str, check: Check) -> bool:
    try:
        async with asyncio.timeout(CHECK_LIMIT_S):
            await check()
    except Exception as error:  # whatever it is, it is not ready
        log.warning("health.down", dependency=name, error=type(error).__name__)
        return False
    return True


_Health = Annotated[Health, Depends(provided(Health))]


@router.get("/health/live", summary="Is the process alive")
async def live() -> Alive:
    """Asks nothing of anything else: a dependency that is down is no reason to restart us."""
    return Alive()


@router.get(
    "/health/ready",
    summary="Can it serve",
    responses={503: {"model": Readiness, "description": "Something that we cannot serve without is down"}},
)
async def ready(health: _Health, response: Response) -> Readiness:
    """Each dependency by name. 503 while one that we cannot serve without is down."""
    found = await health.look()
    if found.status == "unavailable":
        response.status_code = 503
        response.headers["Retry-After"] = "5"
    return found


@router.get(
    "/health/startup",
    summary="Has it started",
    responses={503: {"model": Readiness, "description": "Not yet"}},
)
async def startup(health: _Health, response: Response) -> Readiness:
    """As ready: the process listens only once everything is wired and migrated."""
    return await ready(health, response)


@router.get("/metrics", summary="Prometheus metrics", response_class=Response)
async def metrics() -> Response:
    """In a thread: rendering many histograms would stall the loop."""
    return Response(await asyncio.to_thread(generate_latest), media_type=CONTENT_TYPE_LATEST)
