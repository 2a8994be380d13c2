"""bulkhead: what waits for a slow server fills that server's places and nobody else's; one user's calls
do not fill all of them."""

from prometheus_client import Gauge

from kit.errors import TooMany, Unavailable
from tools.gateway.call import Call, Handler, Reply
from tools.gateway.places import Places

_RETRY_AFTER_S = 1.0
_busy = Gauge("switchboard_gateway_calls_at_once", "Calls under way, with those that wait.", ["server"])


class ServerBusy(Unavailable):
    code = "server_busy"
    title = "This tool has too many calls at the same time"
    default_hint = "Try again in a second."


class TooManyAtOnce(TooMany):
    code = "too_many_at_once"
    title = "You have too many tool calls at the same time"
    default_hint = "Wait for one of them to end, then try again."


def in_bulkhead(inner: Handler, per_server: int, altogether: int, per_user: int | None = None) -> Handler:
    """Raises ServerBusy where too many wait already, TooManyAtOnce where they are one user's. A call waits
    within its own time limit."""
    servers: dict[str, Places] = {}
    users: dict[str, int] = {}
    most = altogether if per_user is None else per_user
    under_way = 0

    def places_of(server: str) -> Places:
        places = servers[server] = Places(per_server)
        _busy.labels(server).set_function(lambda: places.here)
        return places

    async def call(call: Call) -> Reply:
        nonlocal under_way
        server, user = call.known_tool().server_key, call.known_caller().actor
        theirs = users.get(user, 0)
        places = servers.get(server) or places_of(server)
        if places.full or under_way >= altogether:
            raise ServerBusy(retry_after=_RETRY_AFTER_S)
        if theirs >= most:
            raise TooManyAtOnce(retry_after=_RETRY_AFTER_S)
        under_way += 1
        users[user] = theirs + 1
        try:
            if not places.entered():
                await places.enter()
            try:
                return await inner(call)
            finally:
                places.leave()
        finally:
            under_way -= 1
            users[user] -= 1
            if not users[user]:
                del users[user]

    return call
