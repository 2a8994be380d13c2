"""The client that bots, the command line and developers use.

async with Switchboard("http://localhost:8000", token) as switchboard:
    async for event in switchboard.stream("How many days of leave do I get?"):
        ...
"""

import asyncio
from collections.abc import AsyncGenerator
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from pydantic import ValidationError

from kit.wire.account import DevSignIn, Me, SignedIn
from kit.wire.chat import ChatRequest
from kit.wire.events import InteractionRequested, TurnCompleted, TurnEvent
from switchboard_sdk import errors
from switchboard_sdk.account import ApiKeys
from switchboard_sdk.caches import AdminCaches
from switchboard_sdk.channels import ChannelStates, Links, OpenDeliveries
from switchboard_sdk.connections import Connections
from switchboard_sdk.governance import AdminTools, McpServers
from switchboard_sdk.interactions import Interactions
from switchboard_sdk.jobs import AdminJobs, Jobs
from switchboard_sdk.leads import AdminLeads
from switchboard_sdk.library import Documents, KnowledgeBases
from switchboard_sdk.sessions import Messages, Sessions
from switchboard_sdk.sources import Sources
from switchboard_sdk.toolbox import Tools
from switchboard_sdk.transport import Call, Patience, Sleep, Transport, checked, write
from switchboard_sdk.turns import Follower, Place


class Switchboard:
    """`token` is an access token or an API key. Every method raises ApiError, and nothing else, when the
    platform refuses or cannot be reached."""

    def __init__(
        self,
        base_url: str,
        token: str = "",
        *,
        patience: Patience | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._over(Transport(base_url, token, patience or Patience(), sleep))

    def acting_as(self, identity: str) -> "Switchboard":
        """For a bot: asks for somebody of its channel (`slack:<team>/<user>`), over the same connections.
        What comes back needs no closing."""
        other = object.__new__(Switchboard)
        other._over(self._transport.acting(identity))
        return other

    def _over(self, transport: Transport) -> None:
        self._transport = transport
        self.sessions = Sessions(self._transport)
        self.messages = Messages(self._transport)
        self.knowledge_bases = KnowledgeBases(self._transport)
        self.documents = Documents(self._transport)
        self.jobs = Jobs(self._transport)
        self.admin_jobs = AdminJobs(self._transport)
        self.admin_caches = AdminCaches(self._transport)
        self.admin_leads = AdminLeads(self._transport)
        self.sources = Sources(self._transport)
        self.interactions = Interactions(self._transport)
        self.tools = Tools(self._transport)
        self.mcp_servers = McpServers(self._transport)
        self.admin_tools = AdminTools(self._transport)
        self.connections = Connections(self._transport)
        self.api_keys = ApiKeys(self._transport)
        self.links = Links(self._transport)
        self.channel_state = ChannelStates(self._transport)
        self.deliveries = OpenDeliveries(self._transport)

    @property
    def base_url(self) -> str:
        return self._transport.base_url

    async def close(self) -> None:
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def me(self) -> Me:
        return await self._transport.read(Me, Call("GET", "/api/v1/me"))

    async def sign_in_dev(self, person: str) -> SignedIn:
        """As a dev person of the all-in-one, which alone offers this; later calls are theirs, also when the
        token has expired meanwhile."""

        async def renew() -> str:
            return (await self._signed_in(person)).access_token

        signed_in = await self._signed_in(person)
        self._transport.token, self._transport.renew = signed_in.access_token, renew
        return signed_in

    async def _signed_in(self, person: str) -> SignedIn:
        call = write("POST", "/auth/dev", checked(DevSignIn, person=person))
        return await self._transport.read(SignedIn, call)

    async def chat(
        self, question: str | ChatRequest, *, key: str = "", **fields: Any
    ) -> TurnCompleted | InteractionRequested:
        """One turn, whole answer. `fields` are those of ChatRequest; `key` makes a repetition harmless."""
        call = write(
            "POST",
            "/api/v1/chat",
            _chat_request(question, fields),
            answer_s=self._transport.patience.turn_s,
            key=key,
        )
        response = await self._transport.send(call)
        try:
            return _turn_result(response.json())
        except (ValueError, ValidationError) as error:
            raise errors.unreadable(self.base_url, "an answer", call.request_id) from error

    def stream(
        self, question: str | ChatRequest, *, key: str = "", **fields: Any
    ) -> AsyncGenerator[TurnEvent]:
        """One turn as it happens. Re-attaches by itself, ends at the terminal event, yields none twice."""
        return Follower(self._transport, _chat_request(question, fields), key=key).events()

    def attach(self, session_id: UUID, turn_id: UUID, *, after: int = 0) -> AsyncGenerator[TurnEvent]:
        """The events of a turn that somebody started, from the one after `after`."""
        return Follower(self._transport, place=Place(session_id, turn_id), seen=after).events()


def _chat_request(question: str | ChatRequest, fields: dict[str, Any]) -> ChatRequest:
    if isinstance(question, ChatRequest):
        return question
    return checked(ChatRequest, message=question, **fields)


def _turn_result(body: Any) -> TurnCompleted | InteractionRequested:
    if isinstance(body, dict) and body.get("outcome") == "interaction":  # pyright: ignore[reportUnknownMemberType] (JSON)
        return InteractionRequested.model_validate(body["interaction"])
    return TurnCompleted.model_validate(body)
