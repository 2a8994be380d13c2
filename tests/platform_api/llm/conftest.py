"""The router over a scripted model server, with rows in a real database."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
from agent_framework import ChatResponseUpdate, FunctionTool, Message

from access.principal import Principal
from platform_api.llm.build import build_router
from platform_api.llm.invocations import Invocations
from platform_api.llm.router import Router
from platform_api.llm.settings import LlmSettings
from platform_api.llm.spending import SPENDING, Spending
from ports.db import Database
from tests.platform_api.llm.model_server import ModelServer, model_server

QUESTION = "How many days of leave do I get?"


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with model_server() as server:
        yield server


@pytest.fixture
def invocations(database: Database) -> Invocations:
    return Invocations(database)


@dataclass
class Asking:
    """One turn's calls of a router."""

    router: Router
    spending: Spending = field(default_factory=lambda: Spending(Principal(uuid4(), uuid4()), uuid4()))

    async def __call__(
        self, message: str = QUESTION, tools: list[FunctionTool] | None = None
    ) -> list[ChatResponseUpdate]:
        return [update async for update in self.stream(message, tools)]

    def stream(self, message: str = QUESTION, tools: list[FunctionTool] | None = None) -> Any:
        return self.router.get_response(
            [Message("user", [message])],
            stream=True,
            options={"tools": tools} if tools else {},
            client_kwargs={SPENDING: self.spending},
        )


@pytest.fixture
async def asking(server: ModelServer, invocations: Invocations) -> AsyncIterator[Any]:
    """`asking(**settings)`: a router whose model is the scripted server."""
    made: list[Router] = []

    def make(**settings: Any) -> Asking:
        defaults: dict[str, Any] = {
            "provider": "openai",
            "base_url": server.url,
            "api_key": "sk-test",
            "model": "gpt-test",
            "price_input": 2.0,
            "price_output": 10.0,
        }
        made.append(build_router(LlmSettings(**defaults | settings), invocations))
        return Asking(made[-1])

    yield make
    for router in made:
        await router.stop()


def text_of(updates: list[ChatResponseUpdate]) -> str:
    return "".join(update.text for update in updates)
