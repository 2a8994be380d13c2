"""The agent runtime on Microsoft Agent Framework. Its own tracing is off: we trace turns, calls and
models ourselves, with the same names, for a tenth of the cost."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Any

from agent_framework import Agent, AgentResponse, BaseChatClient, Content, Message
from agent_framework.observability import disable_instrumentation

from access.principal import Principal
from kit.errors import SwitchboardError
from kit.wire.chat import Usage
from kit.wire.tools import NeedsInput, Tool
from platform_api.agents.definitions import AgentDefinition, AgentSettings, Definitions
from platform_api.agents.errors import AgentFailed
from platform_api.agents.offers import Offers
from platform_api.agents.port import (
    AgentEvent,
    Conversation,
    Finished,
    Said,
    Suspended,
    TextWritten,
    ToolGateway,
)
from platform_api.agents.tools import Calls
from platform_api.agents.transcript import check, messages_in, state_of
from platform_api.llm.spending import SPENDING, Spending

_MARKER = re.compile(r" ?\[\d{1,3}\]")

disable_instrumentation()


class FrameworkRuntime:
    """One framework agent per definition, made once; a run brings its own tools and messages."""

    def __init__(
        self, client: Any, gateway: ToolGateway, definitions: Definitions, settings: AgentSettings
    ) -> None:
        """`client`: a chat client of the framework with its function invocation layer."""
        self._client: BaseChatClient[Any] = client
        self._gateway = gateway
        self._offers = Offers(gateway)
        self._definitions = definitions
        self._settings = settings
        self._agents: dict[str, Agent[Any]] = {}

    def check(self, agent: str | None) -> None:
        self._definitions.find(agent)

    async def run(
        self, principal: Principal, conversation: Conversation, agent: str | None = None
    ) -> AsyncIterator[AgentEvent]:
        definition = self._definitions.find(agent)
        events: asyncio.Queue[AgentEvent | BaseException | None] = asyncio.Queue()
        work = asyncio.create_task(self._work(principal, conversation, definition, events))
        try:
            while (event := await events.get()) is not None:
                if isinstance(event, BaseException):
                    raise event
                yield event
        finally:
            work.cancel()
            with suppress(asyncio.CancelledError):
                await work

    async def _work(
        self,
        principal: Principal,
        conversation: Conversation,
        definition: AgentDefinition,
        events: "asyncio.Queue[AgentEvent | BaseException | None]",
    ) -> None:
        """Tool calls and text meet in one queue, so that a tool shows when it starts, not when it ends."""
        try:
            spending = Spending(principal, conversation.turn_id)
            offered = await self._offers.of(principal)
            tools = [tool for tool in offered if definition.offers(tool.name)]
            calls = Calls(
                self._gateway,
                principal,
                conversation.scope,
                emit=events.put_nowait,
                most=definition.max_calls,
            )
            events.put_nowait(await self._run(conversation, definition, calls, tools, spending))
            events.put_nowait(None)
        except SwitchboardError as error:
            events.put_nowait(error)
        except Exception as error:
            events.put_nowait(_ours(error))

    async def _run(
        self,
        conversation: Conversation,
        definition: AgentDefinition,
        calls: Calls,
        tools: Sequence[Tool],
        spending: Spending,
    ) -> Finished | Suspended:
        begun = await self._begun(conversation, calls)
        if isinstance(begun, Suspended):
            return begun
        response = await self._loop(begun, definition, calls, tools, spending)
        model_ms = round(spending.model_ms, 2)
        if waiting := calls.waiting:
            state = state_of(begun, response, str(waiting.request.call_id))
            return Suspended(
                waiting.tool, waiting.arguments, waiting.needs, state, spending.usage(), model_ms
            )
        return Finished(spending.usage(), model_ms, tuple(sorted(spending.degraded)))

    async def _begun(self, conversation: Conversation, calls: Calls) -> "list[Message] | Suspended":
        """What the model is told; or a tool's next question, where the answer to one was not all it needs."""
        resumed = conversation.resumed
        if resumed is None:
            return messages_of(conversation, self._settings)
        check(resumed.state)
        told = await calls.resume(resumed)
        if isinstance(told, NeedsInput):
            return Suspended(resumed.tool, resumed.arguments, told, dict(resumed.state), Usage(), 0.0)
        messages, call_id = await messages_in(resumed.state, calls.look_up_again)
        return [*messages, Message("tool", [Content.from_function_result(call_id, result=told)])]

    async def _loop(
        self,
        messages: Sequence[Message],
        definition: AgentDefinition,
        calls: Calls,
        tools: Sequence[Tool],
        spending: Spending,
    ) -> AgentResponse[Any]:
        stream = self._agent(definition).run(
            messages, stream=True, tools=calls.as_functions(tools), client_kwargs={SPENDING: spending}
        )
        async with stream:
            async for update in stream:
                for content in update.contents:
                    if content.type == "text" and content.text:
                        calls.emit(TextWritten(content.text))
            return await stream.get_final_response()

    def _agent(self, definition: AgentDefinition) -> "Agent[Any]":
        made = self._agents.get(definition.name)
        if made is None:
            made = Agent(self._client, definition.instructions, name=definition.name)
            self._agents[definition.name] = made
        return made


def messages_of(conversation: Conversation, settings: AgentSettings) -> list[Message]:
    """The newest history within the settings' limits, then the message itself."""
    kept: list[Said] = []
    room = settings.history_characters
    for said in reversed(
        conversation.history[-settings.history_messages :] if settings.history_messages else ()
    ):
        room -= len(said.text)
        if room < 0:
            break
        kept.append(said)
    return [
        *(Message(said.role, [_as_told(said)]) for said in reversed(kept)),
        Message("user", [conversation.message]),
    ]


def _as_told(said: Said) -> str:
    """Without markers: the numbers of an earlier answer mean nothing among the sources of this one."""
    return said.text if said.role == "user" else _MARKER.sub("", said.text)


def _ours(error: Exception) -> BaseException:
    """The framework wraps what a chat client raised; what stands behind it is what happened."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, SwitchboardError):
            return cause
        cause = cause.__cause__
    failed = AgentFailed()
    failed.__cause__ = error
    return failed
