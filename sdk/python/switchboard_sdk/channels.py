"""For bots: who people of a channel are, small state of theirs, messages that the platform starts."""

from collections.abc import AsyncIterator
from typing import Any, Literal
from urllib.parse import quote
from uuid import UUID

from kit.wire.account import CreatedApiKey
from kit.wire.base import Page
from kit.wire.channels import (
    AckDelivery,
    ChannelLink,
    ChannelName,
    ClaimDeliveries,
    ConfirmLink,
    CreateBot,
    Deliveries,
    Delivery,
    LinkOffer,
    LinkState,
    PutState,
    RequestLink,
    StateEntries,
    StateEntry,
    StateStep,
    StateSteps,
)
from switchboard_sdk.errors import ApiError
from switchboard_sdk.pages import every
from switchboard_sdk.transport import Call, Transport, checked, write

LINKS = "/api/v1/links"
DELIVERIES = "/api/v1/deliveries"


class Links:
    """All methods raise ApiError."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def request(self, identity: str, *, name: str = "", email: str | None = None) -> LinkState:
        """For a bot: linked, or a code for the person. email: only one that the channel has verified."""
        body = checked(RequestLink, identity=identity, name=name, email=email)
        return await self._transport.read(LinkState, write("POST", LINKS, body))

    async def mine(self) -> list[ChannelLink]:
        return (await self._transport.read(Page[ChannelLink], Call("GET", LINKS))).items

    async def offer(self, code: str) -> LinkOffer:
        """Whose account the code links: look before confirming."""
        call = Call("GET", f"{LINKS}/offers/{quote(code, safe='')}")
        return await self._transport.read(LinkOffer, call)

    async def confirm(self, code: str, identity: str) -> ChannelLink:
        body = checked(ConfirmLink, code=code, identity=identity)
        return await self._transport.read(ChannelLink, write("POST", f"{LINKS}/confirm", body))

    async def remove(self, link_id: UUID) -> None:
        await self._transport.send(write("DELETE", f"{LINKS}/{link_id}"))

    async def create_bot(self, channel: ChannelName, *, name: str = "") -> CreatedApiKey:
        """For an admin: a key with which the bot of that channel asks for its people."""
        body = checked(CreateBot, channel=channel, name=name)
        return await self._transport.read(CreatedApiKey, write("POST", "/api/v1/admin/bots", body))


class ChannelStates:
    """For the channel's bot, in its own name. All methods raise ApiError."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def get(self, channel: ChannelName, key: str) -> StateEntry | None:
        try:
            return await self._transport.read(StateEntry, Call("GET", _state(channel, key)))
        except ApiError as error:
            if error.problem.code == "no_such_state":
                return None
            raise

    def all(self, channel: ChannelName, prefix: str = "") -> AsyncIterator[StateEntry]:
        params = {"prefix": prefix} if prefix else {}
        return every(self._transport, StateEntry, f"/api/v1/channels/{channel}/state", params)

    async def put(
        self,
        channel: ChannelName,
        key: str,
        value: dict[str, Any],
        *,
        version: int | None = None,
        expires_in_s: int | None = None,
    ) -> StateEntry:
        """version: the one that is replaced, 0 for none; ApiError `state_changed` where it is another."""
        body = checked(PutState, value=value, version=version, expires_in_s=expires_in_s)
        call = Call("PUT", _state(channel, key), json=body)
        return await self._transport.read(StateEntry, call)

    async def together(self, channel: ChannelName, *steps: StateStep) -> list[StateEntry | None]:
        """In one commit, each key once; what is there afterwards, step by step. ApiError `state_changed`
        where a put's version is another: then nothing is done."""
        body = checked(StateSteps, steps=list(steps))
        call = write("POST", f"/api/v1/channels/{channel}/state", body)
        return (await self._transport.read(StateEntries, call)).items

    async def remove(self, channel: ChannelName, key: str) -> None:
        await self._transport.send(Call("DELETE", _state(channel, key)))


class OpenDeliveries:
    """For the channel's bot, in its own name. All methods raise ApiError."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def claim(
        self, channel: ChannelName, *, limit: int = 10, lease_s: int = 60, wait_s: float = 0
    ) -> list[Delivery]:
        """Waits up to `wait_s` (at most 25) for the first one."""
        body = checked(ClaimDeliveries, channel=channel, limit=limit, lease_s=lease_s, wait_s=wait_s)
        patience = self._transport.patience.answer_s + wait_s
        call = Call("POST", f"{DELIVERIES}/claim", json=body, answer_s=patience)
        return (await self._transport.read(Deliveries, call)).items

    async def acknowledge(
        self, delivery: Delivery, outcome: Literal["delivered", "failed", "gone"], detail: str = ""
    ) -> None:
        body = checked(AckDelivery, lease=delivery.lease, outcome=outcome, detail=detail[:300])
        await self._transport.send(write("POST", f"{DELIVERIES}/{delivery.id}/ack", body))


def _state(channel: str, key: str) -> str:
    return f"/api/v1/channels/{channel}/state/{quote(key, safe='/')}"
