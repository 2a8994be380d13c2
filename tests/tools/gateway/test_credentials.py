"""The gateway keeps a person's credential for a server shortly, in memory, and for that person only."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from kit.wire.connections import AskToken, UpstreamToken
from tools.gateway.credentials import NONE, Credentials
from tools.gateway.platform import AccountNeeded
from tools.gateway.upstreams.talk import Ask, authorised

ORGANISATION = uuid4()


class Platform:
    def __init__(self) -> None:
        self.asked: list[AskToken] = []
        self.expires_in = 60
        self.needed = False

    async def upstream_token(self, server: str, wanted: AskToken) -> UpstreamToken:
        self.asked.append(wanted)
        await asyncio.sleep(0)
        if self.needed:
            raise AccountNeeded("Connect it.", server, "http://here/begin")
        value = f"Bearer {wanted.user_id}-{len(self.asked)}"
        return UpstreamToken(header="Authorization", value=value, expires_in=self.expires_in)


def caller(user_id: UUID) -> Any:
    return SimpleNamespace(principal=SimpleNamespace(organisation_id=ORGANISATION, id=user_id))


def tool(
    credential: str = "stored", server: str = "notes", address: str = "guarded:https://notes/mcp"
) -> Any:
    return SimpleNamespace(credential=credential, server=server, address=address)


@pytest.mark.proves("GOV-605")
async def test_calls_at_once_ask_the_platform_once_and_people_apart() -> None:
    platform = Platform()
    credentials = Credentials(cast(Any, platform))
    maya, tom = caller(uuid4()), caller(uuid4())
    held = await asyncio.gather(*(credentials.of(maya, tool()) for _ in range(20)))
    assert len(platform.asked) == 1
    assert len({one.digest for one in held}) == 1
    other = await credentials.of(tom, tool())
    assert other.digest != held[0].digest
    assert (await credentials.of(maya, tool(server="other"))).digest != held[0].digest
    assert str(tom.principal.id) not in str(held[0].headers)
    assert "Bearer" not in repr(held[0])


@pytest.mark.proves("GOV-605")
async def test_a_refused_one_is_named_to_the_platform_and_replaced_once_for_all() -> None:
    platform = Platform()
    credentials, maya = Credentials(cast(Any, platform)), caller(uuid4())
    held = await credentials.of(maya, tool())
    fresh = await asyncio.gather(*(credentials.again(maya, tool(), held) for _ in range(10)))
    assert [wanted.rejected for wanted in platform.asked] == [None, held.digest]
    assert {one.digest for one in fresh} == {(await credentials.of(maya, tool())).digest}
    platform.needed = True
    with pytest.raises(AccountNeeded) as told:
        await credentials.again(maya, tool(), fresh[0])
    assert told.value.url in told.value.hint


@pytest.mark.proves("GOV-605")
async def test_what_is_over_is_not_used() -> None:
    platform = Platform()
    platform.expires_in = 0
    credentials, maya = Credentials(cast(Any, platform)), caller(uuid4())
    await credentials.of(maya, tool())
    await credentials.of(maya, tool())
    assert len(platform.asked) == 2


@pytest.mark.proves("GOV-605")
async def test_our_own_token_goes_nowhere_else() -> None:
    platform = Platform()
    credentials, maya = Credentials(cast(Any, platform)), caller(uuid4())
    assert await credentials.of(maya, tool("none")) is NONE
    assert authorised(Ask("tools/call", {}, "ours", credential=NONE.headers)) == {}
    lent = {"X-Api-Key": "theirs"}
    assert authorised(Ask("tools/call", {}, "ours", credential=lent)) == {"x-api-key": "theirs"}
    assert authorised(Ask("tools/call", {}, "ours")) == {"authorization": "Bearer ours"}
    assert platform.asked == []


@pytest.mark.proves("SEC-104")
async def test_what_was_meant_for_one_address_is_not_sent_to_another_of_the_same_name() -> None:
    platform = Platform()
    credentials, maya = Credentials(cast(Any, platform)), caller(uuid4())
    held = await credentials.of(maya, tool())
    platform.needed = True
    with pytest.raises(AccountNeeded):
        await credentials.of(maya, tool(address="guarded:https://evil/mcp"))
    assert await credentials.of(maya, tool()) is held
