"""A call that somebody else has to agree to: platform and gateway together, over real HTTP and Postgres."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis
from switchboard_sdk import ApiError, Switchboard

from access.jwks import TrustedKeys
from access.principal import Principal
from access.tokens import Minter, SigningKey
from kit.clock import SystemClock
from kit.wire.interactions import Interaction
from kit.wire.tools import Approval
from platform_api.app import build_app
from platform_api.identity.dev_people import DEV_PEOPLE, ORGANISATION_ID, ensure_dev_people
from ports.db import Database
from tests.platform_api.people import platform_ports
from tests.tools.replicas import replica
from tests.tools.restarted import Mixed
from tests.tools.upstreams import Echo, server, tool
from tests.tools.world import registry_of, served
from tools.gateway.platform import HttpPlatform


@pytest.mark.full
@pytest.mark.timeout(300)
@pytest.mark.proves("GOV-504")
async def test_the_caller_waits_for_somebody_else_and_cannot_agree_itself(
    database: Database, redis: Redis, tmp_path: Path
) -> None:
    own, key, clock = SigningKey.generate(), SigningKey.generate(), SystemClock()
    echo, trusted = Echo(), TrustedKeys()
    trusted.replace("gateway", own.jwks())
    await ensure_dev_people(database)
    async with AsyncExitStack() as stack:
        tools = await stack.enter_async_context(served(echo))
        policy = Approval(mode="second_person", expires_s=3600)
        risky = tool("echo.say", risk="destructive", approval=policy)
        registry = registry_of([server(risky, address=f"{tools}/mcp")])
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=20, trust_env=False, verify=False))
        link = Mixed(registry)
        gateway = replica(registry, tmp_path / "gateway", redis, own, key, clock, link)
        gateway_url = await stack.enter_async_context(served(gateway))
        unused: Any = None
        ports = platform_ports(
            database,
            redis,
            tmp_path / "platform",
            index=unused,
            search=unused,
            trusted=trusted,
            signing_key=key,
            minter=Minter(key, "platform", clock),
            gateway_url=gateway_url,
        )
        url = await stack.enter_async_context(served(build_app(ports)))
        link.approving(HttpPlatform(url, http, Minter(own, "gateway", clock)))

        async def client(name: str) -> Switchboard:
            who = Principal(ORGANISATION_ID, DEV_PEOPLE[name].id)
            token = ports.minter.mint(who, "platform", lifetime_s=1800)
            return await stack.enter_async_context(Switchboard(url, token))

        maya, ada = await client("maya"), await client("ada")
        waits = await maya.tools.invoke("echo.say", {"text": "all"})
        assert isinstance(waits, Interaction)
        assert (waits.kind, waits.asked_of) == ("approval", "second_person")
        with pytest.raises(ApiError) as refused:
            await maya.interactions.respond(waits.id, "accept")
        assert refused.value.status == 403
        assert echo.calls == []
        await ada.interactions.respond(waits.id, "accept")
        done = (await maya.interactions.wait(waits.id)).result

    assert done is not None
    assert not done.is_error
    assert [call.message["params"]["arguments"] for call in echo.calls] == [{"text": "all"}]
