"""Who calls the broken servers of the gateway's bench, in a process of its own."""

import asyncio
import contextlib
import os
import sys

from kit.wire import mcp
from tests.bench.gateway_roles import LIMIT, TOKEN_PATH
from tools.gateway.upstreams.http1 import Http1Client

BROKEN = ("dead", "hanging", "flooding", "lying", "crashing", "dripping")
CALM = "calm"
CALLERS = 4
_PAUSE_S = 0.1


class Abusers:
    """Reads lines: `<callers>×<kind>` and so on, who calls from now on until the next line; each line is
    answered with the number of calls that ended since the one before.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._ended = 0

    async def run(self) -> None:
        calling: list[asyncio.Task[None]] = []
        while line := await asyncio.to_thread(sys.stdin.readline):
            for task in calling:
                task.cancel()
            await asyncio.gather(*calling, return_exceptions=True)
            sys.stdout.write(f"{self._ended}\n")
            sys.stdout.flush()
            self._ended = 0
            # it lives for a minute
            token = (await Http1Client(self._url + TOKEN_PATH, LIMIT).call(b"", {})).body.decode()
            wanted = [word.partition("x") for word in line.split()]
            calling = [
                asyncio.create_task(self._abuse(token, kind))
                for count, _, kind in wanted
                for _ in range(int(count))
            ]

    async def _abuse(self, token: str, kind: str) -> None:
        tool = f"{kind}.say"
        params = {"name": tool, "arguments": {"text": "t"}}
        headers = mcp.stateless_headers("tools/call", tool) | {"authorization": f"Bearer {token}"}
        body = mcp.request("tools/call", mcp.stateless_params(params, {"name": "abuser", "version": "1"}))
        client = Http1Client(f"{self._url}/mcp", LIMIT)
        with contextlib.suppress(asyncio.CancelledError):
            while True:
                answer = await client.call(body, headers)
                if answer.status != 200:
                    # refused at the door: the broken server was never called
                    os._exit(_said(f"{kind}: {answer.status} {answer.body[:200]!r}"))
                self._ended += 1
                await asyncio.sleep(_PAUSE_S)
        await client.close()


def _said(what: str) -> int:
    sys.stderr.write(what + "\n")
    return 1


async def abusers(url: str) -> None:
    await Abusers(url).run()


if __name__ == "__main__":
    os.nice(19)
    asyncio.run(abusers(sys.argv[1]))
