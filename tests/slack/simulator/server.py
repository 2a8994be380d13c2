"""The server: HTTP on loopback, tokens, faults, sockets, and the state of the whole Slack."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from aiohttp import web

from tests.slack import limits
from tests.slack.simulator.delivery import Door, Sockets
from tests.slack.simulator.faults import Fault, Faults, Matches
from tests.slack.simulator.people import Person
from tests.slack.simulator.web_api import Refused, WebApi, arguments_of
from tests.slack.simulator.world import Call, Channel, Json, Member, Numbers, Posted, Team, View

T = TypeVar("T")
APP_TOKEN: Final = "xapp-1-A0SWITCH-1-simulated"
CLIENT_ID: Final = "1111.2222"
CLIENT_SECRET: Final = "client-secret-of-the-simulator"
SIGNING_SECRET: Final = "signing-secret-of-the-simulator"
LONG_S: Final = 30.0


@dataclass(slots=True)
class Grant:
    """What a bot token opens. `whole`: the installation of an enterprise."""

    team: Team
    whole: bool = False
    expired: bool = False


@dataclass(slots=True)
class ResponseUrl:
    """Where an interaction may be answered, five times."""

    channel: str
    user: str
    thread: str = ""
    message: str = ""
    uses: int = 0


class Slack:
    """One Slack with everybody in it. `trigger_s`: a trigger's life (Slack's: 3 s); `stream_s`: silence after
    which a stream is over, None: only `expire_streams(all_=True)` ends one; `ack_s`, `retry_s`: when an event
    that was not acknowledged comes again."""

    def __init__(self, *, trigger_s: float = 30.0, stream_s: float | None = None) -> None:
        self.numbers = Numbers()
        self.trigger_s, self.stream_s = trigger_s, stream_s
        self.teams: dict[str, Team] = {}
        self.members: dict[str, Member] = {}
        self.channels: dict[str, Channel] = {}
        self._dms: dict[tuple[str, str], Channel] = {}
        self.messages: dict[str, list[Posted]] = {}
        self.client_ids: dict[tuple[str, str], Posted] = {}
        self.files: dict[str, tuple[Json, bytes]] = {}
        self.views: dict[str, View] = {}
        self.modals: dict[str, list[View]] = {}
        self.homes: dict[tuple[str, str], View] = {}
        self.statuses: dict[tuple[str, str], tuple[str, float]] = {}
        self.status_times: dict[tuple[str, str], list[float]] = {}
        self.titles: dict[tuple[str, str], str] = {}
        self.prompts: dict[str, list[Json]] = {}
        self.tokens: dict[str, Grant] = {}
        self.refreshes: dict[str, Grant] = {}
        self.codes: dict[str, Grant] = {}
        self.responses: dict[str, ResponseUrl] = {}
        self.triggers: dict[str, tuple[str, float]] = {}
        self.calls: list[Call] = []
        self.violations: list[str] = []
        self.faults = Faults()
        self.sockets = Sockets(self)
        self.door: Door = self.sockets
        self.url = ""
        self._api = WebApi(self)
        self._changed = asyncio.Event()
        self._busy = 0

    @classmethod
    @asynccontextmanager
    async def running(cls, **settings: Any) -> AsyncGenerator["Slack"]:
        """On a free port of loopback; `url` is its root, `api_url` what a client takes as its base."""
        slack = cls(**settings)
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.add_routes(
            [
                web.route("*", "/api/{method}", slack._call),
                web.get("/socket", slack.sockets.serve),
                web.get("/files/{file}", slack._download),
                web.post("/upload/{file}", slack._upload),
                web.post("/response/{which}", slack._response),
            ]
        )
        runner = web.AppRunner(app, shutdown_timeout=1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        slack.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield slack
        finally:
            await slack.door.close()
            await slack.sockets.close()
            await runner.cleanup()

    @property
    def api_url(self) -> str:
        return f"{self.url}/api/"

    # -- who is there

    def team(
        self, domain: str = "acme", *, identity: str = "", enterprise: str = "", installed: bool = True
    ) -> Team:
        """A workspace; `installed` gives our app the token `xoxb-<id>`."""
        number = self.numbers.id
        team = Team(identity or number("T"), domain, number("U"), number("B"), enterprise)
        self.teams[team.id] = team
        if installed:
            self.tokens[f"xoxb-{team.id}"] = Grant(team)
        return team

    def person(self, name: str, team: Team, *, email: str = "", bot: bool = False) -> Person:
        member = Member(self.numbers.id("U"), name, team, email or f"{name}@{team.domain}.example", bot)
        self.members[member.id] = member
        return Person(self, member)

    def channel(self, name: str, team: Team, *people: Person, shared: bool = False) -> Channel:
        """Our app is in it."""
        members = {person.id for person in people} | {team.bot_user}
        channel = Channel(self.numbers.id("C"), name, team, members, shared)
        self._add(channel)
        return channel

    def dm_of(self, team: Team, user: str) -> Channel:
        if (found := self._dms.get((team.id, user))) is None:
            found = Channel(self.numbers.id("D"), "directmessage", team, {user, team.bot_user})
            self._dms[team.id, user] = found
            self._add(found)
        return found

    def _add(self, channel: Channel) -> None:
        self.channels[channel.id] = channel
        self.messages[channel.id] = []

    def reaches(self, team: Team, channel: Channel) -> bool:
        same = bool(team.enterprise) and team.enterprise == channel.team.enterprise
        return same or channel.team == team

    def installed(self, team: Team, *, whole: bool = False) -> str:
        """A code as Slack sends it to the redirect address."""
        code = self.numbers.id("code-")
        self.codes[code] = Grant(team, whole)
        return code

    # -- what is on the screens

    def find(self, channel: str, ts: str) -> Posted | None:
        return next((one for one in self.messages.get(channel, []) if one.ts == ts), None)

    def seen(self, channel: str | Channel, thread: str | None = None, *, by: str = "") -> list[Posted]:
        """What stands in a channel (of a thread: its replies), oldest first; ephemeral ones for `by` only,
        of everybody where `by` is ""."""
        where = channel if isinstance(channel, str) else channel.id
        return [
            one
            for one in self.messages[where]
            if (thread is None or one.thread == thread) and (not by or one.ephemeral in {"", by})
        ]

    def answers(self, channel: str | Channel, thread: str | None = None, *, by: str = "") -> list[Posted]:
        """Of `seen` what our app has said."""
        return [one for one in self.seen(channel, thread, by=by) if one.app]

    def status(self, channel: str | Channel, thread: str) -> str:
        """ "" where none is shown."""
        where = channel if isinstance(channel, str) else channel.id
        text, until = self.statuses.get((where, thread), ("", 0.0))
        return text if time.monotonic() < until else ""

    def calls_of(self, *methods: str) -> list[Call]:
        return [call for call in self.calls if call.method in methods]

    # -- bad days

    def fail(
        self,
        method: str,
        error: str = "",
        *,
        status: int = 0,
        retry_after: float | None = None,
        times: int | None = 1,
        after: int = 0,
        when: Matches = lambda _: True,
    ) -> Fault:
        """`method` "*": any; 429 and "ratelimited" are the same."""
        fault = Fault(method, error, status, retry_after, times=times, after=after, when=when)
        return self.faults.add(fault)

    def delay(self, method: str, seconds: float, times: int | None = 1, after: int = 0) -> Fault:
        return self.faults.add(Fault(method, delay_s=seconds, times=times, after=after))

    def lose(self, method: str, times: int | None = 1, after: int = 0) -> Fault:
        """The call is done, its answer never arrives."""
        return self.faults.add(Fault(method, lost=True, times=times, after=after))

    def cut(self, method: str, times: int | None = 1, after: int = 0) -> Fault:
        """The connection is cut before the call is done."""
        return self.faults.add(Fault(method, cut=True, times=times, after=after))

    def expire_streams(self, *, all_: bool = False) -> int:
        """How many ended: those that were silent too long, or every one."""
        silent = time.monotonic() - (self.stream_s if self.stream_s is not None else float("inf"))
        open_ = [one for posted in self.messages.values() for one in posted if one.streaming]
        ended = [one for one in open_ if all_ or one.finished < silent]
        for one in ended:
            one.streaming, one.expired = False, True
        return len(ended)

    def expire_token(self, token: str) -> None:
        self.tokens[token].expired = True

    # -- waiting

    def changed(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def until(self, truth: Callable[[], T], what: str = "", within_s: float = LONG_S) -> T:
        """The first true value of `truth`, looked at after everything that happens here."""
        try:
            async with asyncio.timeout(within_s):
                while not (found := truth()):
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"not within {within_s} s: {what or truth}; {self.story()}") from None
        return found

    async def quiet(self, calm_s: float = 0.4, within_s: float = LONG_S) -> None:
        """Until no call and no event has been under way for a while: to see that nothing more comes."""
        async with asyncio.timeout(within_s):
            while True:
                if self._busy or self.door.waiting:
                    await self._changed.wait()
                    continue
                try:
                    await asyncio.wait_for(self._changed.wait(), calm_s)
                except TimeoutError:
                    return

    def story(self) -> str:
        """The newest calls, for a failed test's message."""
        return " | ".join(f"{c.method} {c.answer.get('error', 'ok')}" for c in self.calls[-12:])

    # -- triggers

    def trigger(self, user: str) -> str:
        identity = self.numbers.id("trigger.")
        self.triggers[identity] = (user, time.monotonic())
        return identity

    def use_trigger(self, identity: str) -> str | None:
        user, issued = self.triggers.pop(identity, ("", 0.0))
        return user if user and time.monotonic() - issued <= self.trigger_s else None

    def response_url(self, channel: str, user: str, thread: str = "", message: str = "") -> str:
        identity = self.numbers.id("R")
        self.responses[identity] = ResponseUrl(channel, user, thread, message)
        return f"{self.url}/response/{identity}"

    # -- HTTP

    async def _call(self, request: web.Request) -> web.StreamResponse:
        self._busy += 1
        try:
            return await self._answer(request)
        finally:
            self._busy -= 1
            self.changed()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        method, at = request.match_info["method"], time.monotonic()
        arguments = await _read(request)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ") or arguments.pop("token", "")
        fault = await self.faults.meet(method, arguments)
        if fault and fault.cut:
            return self._cut(request, Call(method, arguments, {"error": "cut"}, at, token))
        if fault and (response := fault.response()):
            body: Json = {"ok": False, "error": fault.error or str(fault.status)}
            self.calls.append(Call(method, arguments, body, at, token, response.status))
            return response
        answer = await self._do(request, method, token, arguments)
        self.calls.append(Call(method, arguments, answer, at, token))
        if fault and fault.lost:
            return self._cut(request, self.calls[-1])
        return web.json_response(answer)

    def _cut(self, request: web.Request, call: Call) -> web.StreamResponse:
        if call.answer.get("error") == "cut":
            self.calls.append(call)
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    async def _do(self, request: web.Request, method: str, token: str, arguments: Json) -> Json:
        try:
            if method == "apps.connections.open":
                return self._open(token)
            if method == "oauth.v2.access":
                return self._token(request.headers.get("Authorization", ""), arguments)
            grant = self._grant(token)
            handler = self._api.method(method)
            if handler is None:
                raise Refused("unknown_method", req_method=method)
            return {"ok": True} | await handler(self._team_of(grant, arguments), arguments | {"token": token})
        except Refused as refused:
            return refused.body

    def _open(self, token: str) -> Json:
        if token != APP_TOKEN:
            raise Refused("invalid_auth")
        ticket = self.sockets.ticket()
        return {
            "ok": True,
            "url": f"{self.url.replace('http', 'ws', 1)}/socket?ticket={ticket}&app_id=A0SWITCH",
        }

    def _grant(self, token: str) -> Grant:
        if not token:
            raise Refused("not_authed")
        grant = self.tokens.get(token)
        if grant is None:
            raise Refused("invalid_auth")
        if grant.expired:
            raise Refused("token_expired")
        return grant

    def _team_of(self, grant: Grant, arguments: Json) -> Team:
        """Of an enterprise's token: the team that is named, or the channel's."""
        if not grant.whole:
            return grant.team
        channel = self.channels.get(arguments.get("channel") or arguments.get("channel_id") or "")
        return self.teams.get(arguments.get("team_id", "")) or (channel.team if channel else grant.team)

    def _token(self, basic: str, arguments: Json) -> Json:
        if not basic.startswith("Basic ") and arguments.get("client_secret") != CLIENT_SECRET:
            raise Refused("bad_client_secret")
        if arguments.get("grant_type") == "refresh_token":
            grant = self.refreshes.pop(arguments.get("refresh_token", ""), None)
            if grant is None:
                raise Refused("invalid_refresh_token")
        elif (grant := self.codes.pop(arguments.get("code", ""), None)) is None:
            raise Refused("invalid_code")
        return self._granted(Grant(grant.team, grant.whole))

    def _granted(self, grant: Grant) -> Json:
        token, refresh = self.numbers.id("xoxe.xoxb-1-"), self.numbers.id("xoxe-1-")
        self.tokens[token], self.refreshes[refresh] = grant, grant
        team = grant.team
        enterprise = {"id": team.enterprise, "name": team.enterprise} if team.enterprise else None
        return {
            "ok": True,
            "access_token": token,
            "token_type": "bot",
            "scope": "app_mentions:read,assistant:write,chat:write,commands,files:read,im:history,users:read",
            "bot_user_id": team.bot_user,
            "app_id": "A0SWITCH",
            "expires_in": 43_200,
            "refresh_token": refresh,
            "team": None if grant.whole else {"id": team.id, "name": team.domain},
            "enterprise": enterprise,
            "is_enterprise_install": grant.whole,
            "authed_user": {"id": "U0INSTALLER"},
        }

    async def _download(self, request: web.Request) -> web.StreamResponse:
        """Without a token Slack answers its sign-in page, with 200."""
        fault = await self.faults.meet("files.download", {"file": request.match_info["file"]})
        if fault and fault.cut:
            return self._cut(request, Call("files.download", {}, {"error": "cut"}, time.monotonic()))
        if fault and (response := fault.response()):
            return response
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        found = self.files.get(request.match_info["file"].split("-")[0])
        if found is None:
            return web.Response(status=404)
        if token not in self.tokens:
            return web.Response(
                text="<!DOCTYPE html><title>Sign in | Slack</title>", content_type="text/html"
            )
        return web.Response(body=found[1], content_type=found[0].get("mimetype", "application/octet-stream"))

    async def _upload(self, request: web.Request) -> web.Response:
        identity = request.match_info["file"]
        self.files[identity] = (self.files[identity][0], await request.read())
        return web.Response(text="OK - uploaded")

    async def _response(self, request: web.Request) -> web.Response:
        body = await request.json()
        answer = self._respond(request.match_info["which"], body)
        self.calls.append(Call("response_url", body, answer, time.monotonic()))
        self.changed()
        return web.Response(text="ok") if answer["ok"] else web.json_response(answer, status=404)

    def _respond(self, which: str, body: Json) -> Json:
        place = self.responses.get(which)
        if place is None or place.uses >= 5:
            return {"ok": False, "error": "used_url" if place else "invalid_url"}
        place.uses += 1
        if wrong := limits.of_message(body):
            self.violations += wrong
            return {"ok": False, "error": "invalid_blocks"}
        original = self.find(place.channel, place.message)
        if body.get("delete_original") and original:
            self.messages[place.channel].remove(original)
        elif body.get("replace_original") and original:
            original.versions.append(original.shown)
            original.text, original.blocks = body.get("text", ""), body.get("blocks") or []
        else:
            self._say(place, body)
        return {"ok": True}

    def _say(self, place: ResponseUrl, body: Json) -> None:
        team = self.channels[place.channel].team
        thread = body.get("thread_ts") or place.thread
        posted = Posted(place.channel, self.numbers.ts(), team.bot_user, body.get("text", ""), thread)
        posted.blocks, posted.app = body.get("blocks") or [], True
        posted.ephemeral = place.user if body.get("response_type", "ephemeral") == "ephemeral" else ""
        self.messages[place.channel].append(posted)


async def _read(request: web.Request) -> Json:
    query = dict(request.query)
    if request.content_type == "application/json":
        return arguments_of(query, {}, await request.json())
    form = {key: value for key, value in (await request.post()).items() if isinstance(value, str)}
    return arguments_of(query, form, {})
