"""Bad days of Slack: an error, a status, a pause, a lost answer; for how many calls, of which method."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from tests.slack.simulator.world import Json

Matches = Callable[[Json], bool]


@dataclass(slots=True)
class Fault:
    """`lost`: the call does its work, but the connection is cut before the answer. `times` None: always."""

    method: str
    error: str = ""
    status: int = 0
    retry_after: float | None = None
    delay_s: float = 0.0
    lost: bool = False
    cut: bool = False
    times: int | None = 1
    after: int = 0
    """Calls that are let through before it begins."""
    when: Matches = field(default=lambda _: True)
    hits: int = 0

    def meets(self, method: str, arguments: Json) -> bool:
        if self.method not in {method, "*"} or self.times == 0 or not self.when(arguments):
            return False
        if self.after > 0:
            self.after -= 1
            return False
        return True

    def used(self) -> None:
        self.hits += 1
        if self.times is not None:
            self.times -= 1

    def response(self) -> web.Response | None:
        """None: the call goes on."""
        headers = {} if self.retry_after is None else {"Retry-After": f"{self.retry_after:g}"}
        if self.status == 429 or self.error == "ratelimited":
            return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers=headers)
        if self.status >= 500:
            return web.Response(status=self.status, text="<html>upstream connect error</html>")
        if self.error:
            return web.json_response({"ok": False, "error": self.error}, headers=headers)
        return None


class Faults:
    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        self._faults.clear()

    async def meet(self, method: str, arguments: Json) -> Fault | None:
        """The fault of this call; its delay has passed when this returns."""
        found = next((one for one in self._faults if one.meets(method, arguments)), None)
        if found is None:
            return None
        found.used()
        if found.delay_s:
            await asyncio.sleep(found.delay_s)
        return found
