"""Rows of llm_invocations, written in batches off the hot path."""

import asyncio
from contextlib import suppress
from typing import Any
from uuid import uuid4

import structlog
from prometheus_client import Counter, Histogram
from sqlalchemy import insert
from sqlalchemy.exc import SQLAlchemyError

from kit import telemetry
from kit.errors import SwitchboardError
from platform_api.llm.models import InvocationRow
from platform_api.llm.spending import Spending
from ports.db import Database

QUEUE_LIMIT = 10_000
WRITE_EVERY_S = 1.0
log = structlog.get_logger()
calls_total = Counter("switchboard_model_calls_total", "Model calls.", ["model", "tier", "success"])
tokens_total = Counter("switchboard_model_tokens_total", "Tokens.", ["model", "direction"])
cost_total = Counter("switchboard_model_cost_total", "Cost in the organisation's currency.", ["model"])
call_seconds = Histogram("switchboard_model_call_seconds", "Whole model calls.", ["model"])
lost_total = Counter("switchboard_model_rows_lost_total", "Rows of llm_invocations that were dropped.")


class Invocations:
    """Bounded: when the database is away for long, the oldest rows are lost and counted."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[dict[str, Any]] = []
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._write_on(), name="llm-invocations")

    async def stop(self) -> None:
        """Writes what is left."""
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self.flush()

    def record(
        self,
        spending: Spending,
        *,
        model: str,
        tier: int,
        tokens: tuple[int, int],
        cost: float,
        latency_ms: float,
        error: str | None,
    ) -> None:
        """One call. `tokens` are (read, written); `error` is our code."""
        _count(model, tokens, cost)
        calls_total.labels(model, tier, error is None).inc()
        call_seconds.labels(model).observe(latency_ms / 1000)
        if len(self._waiting) >= QUEUE_LIMIT:
            self._waiting.pop(0)
            lost_total.inc()
        self._waiting.append(
            {
                "id": uuid4(),
                "organisation_id": spending.principal.organisation_id,
                "user_id": spending.principal.id,
                "turn_id": spending.turn_id,
                "trace_id": telemetry.trace_id(),
                "tier": tier,
                "model": model,
                "task_type": spending.task_type,
                "input_tokens": tokens[0],
                "output_tokens": tokens[1],
                "cost": cost,
                "latency_ms": latency_ms,
                "success": error is None,
                "error": error,
            }
        )

    async def flush(self) -> None:
        rows, self._waiting = self._waiting, []
        if not rows:
            return
        try:
            async with self._database.begin() as db:
                await db.execute(insert(InvocationRow), rows)
        except (SQLAlchemyError, SwitchboardError, OSError) as error:
            self._waiting = [*rows, *self._waiting][-QUEUE_LIMIT:]
            log.warning("llm.invocations_unwritten", rows=len(rows), error=type(error).__name__)

    async def _write_on(self) -> None:
        while True:
            await asyncio.sleep(WRITE_EVERY_S)
            await self.flush()


def _count(model: str, tokens: tuple[int, int], cost: float) -> None:
    tokens_total.labels(model, "input").inc(tokens[0])
    tokens_total.labels(model, "output").inc(tokens[1])
    cost_total.labels(model).inc(cost)
