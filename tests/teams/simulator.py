"""Teams as a bot meets it: the Bot Connector's REST interface with its real errors and throttling, what
people see, and people who write, press and send files.

It is stricter than the real one where that says nothing: a stream may only grow, has one owner a chat, two
minutes, and ascending numbers; no activity is larger than 28 KB; every call carries the bot's token.
"""

import asyncio
import itertools
import json
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar
from uuid import UUID, uuid5

import httpx
from aiohttp import web

from tests.loopback import listening
from tests.teams.issuer import APP_ID, Issuer

Json = dict[str, Any]
Found = TypeVar("Found")
Kind = Literal["personal", "groupChat", "channel"]
Call = Literal["start", "step", "final", "typing", "send", "replace", "remove", "member", "create"]
ACME = "aaaaaaaa-0000-4000-8000-00000000acme".replace("acme", "ac3e")
GLOBEX = "bbbbbbbb-0000-4000-8000-00000000610b"
BOT = f"28:{APP_ID}"
TOKEN = "the-bots-own-token"
LARGEST = 28 * 1024
STREAM_S = 120.0
_STAMPS = itertools.count(1_790_000_000_000)


@dataclass(slots=True)
class Person:
    name: str
    tenant: str = ACME
    email: str = ""
    role: str = "user"
    known: bool = True
    """Entra knows them: False for webhooks and people of meetings."""

    @property
    def user(self) -> str:
        return str(uuid5(UUID(int=1), f"{self.tenant}/{self.name}"))

    @property
    def mri(self) -> str:
        return f"29:1{self.name}-{self.tenant[:8]}"


@dataclass(slots=True)
class Chat:
    id: str
    kind: Kind
    members: list[Person]
    root: str = ""
    """In a channel: the message that began the thread."""

    @property
    def conversation(self) -> str:
        return f"{self.id};messageid={self.root}" if self.root else self.id


@dataclass(slots=True)
class Said:
    """A message of a person's."""

    id: str
    chat: Chat
    by: Person
    activity: Json


@dataclass(slots=True)
class Shown:
    """A message of the bot's, as it stands there now."""

    id: str
    conversation: str
    activity: Json
    streaming: bool = False
    stream: str = ""
    versions: list[str] = field(default_factory=list[str])

    @property
    def text(self) -> str:
        return str(self.activity.get("text", ""))

    @property
    def cards(self) -> list[Json]:
        return [one["content"] for one in self.activity.get("attachments", [])]

    @property
    def words(self) -> str:
        """Everything that somebody can read of it."""
        return f"{self.text} {json.dumps(self.cards, ensure_ascii=False)}"


@dataclass(slots=True)
class Stream:
    id: str
    conversation: str
    began: float
    sequence: int
    text: str = ""
    over: bool = False
    stopped: bool = False
    status: list[str] = field(default_factory=list[str])


@dataclass(slots=True)
class Fault:
    """status: what is answered instead. lost: it is done, but nobody hears of it; dropped: not even done."""

    status: int = 0
    code: str = "ServiceError"
    retry_after: float | None = None
    lost: bool = False
    dropped: bool = False


class Teams:
    def __init__(self) -> None:
        self.issuer = Issuer()
        self.origin = ""
        self.shown: list[Shown] = []
        self.streams: dict[str, Stream] = {}
        self.calls: list[tuple[str, str, Json]] = []
        """(call, conversation, body), all of them."""
        self.violations: list[str] = []
        self.files: dict[str, bytes] = {}
        self.skew = 0.0
        self._chats: dict[str, Chat] = {}
        self._faults: dict[str, deque[Fault]] = {}
        self._bot: httpx.AsyncClient | None = None
        self._changed = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def running(cls) -> AsyncGenerator["Teams"]:
        teams = cls()
        app = web.Application(client_max_size=64 * 1024**2)
        teams.issuer.routes(app)
        app.router.add_get("/files/{name}", teams._file)
        app.router.add_route("*", "/teams/v3/{path:.*}", teams._handle)
        async with listening(app) as teams.origin:
            teams.issuer.url = f"{teams.origin}/issuer"
            yield teams

    @property
    def service_url(self) -> str:
        return f"{self.origin}/teams/"

    def now(self) -> float:
        """Of streams; `skew` makes it pass."""
        return time.monotonic() + self.skew

    def listens(self, bot: httpx.AsyncClient) -> None:
        """Where activities go."""
        self._bot = bot

    # faults

    def fail(self, call: Call | Literal["*"], times: int = 1, **fault: Any) -> None:
        self._faults[call] = deque([Fault(**fault)] * times)

    def clear(self) -> None:
        self._faults.clear()

    # what people see

    def answers(self, to: Said) -> list[Shown]:
        """The bot's, newer than the message, in its conversation."""
        return [one for one in self.shown if one.conversation == to.chat.conversation and one.id > to.id]

    async def until(
        self, ready: Callable[[], Found], what: str = "something", within_s: float = 30.0
    ) -> Found:
        async with asyncio.timeout(within_s):
            while not (found := ready()):
                self._changed.clear()
                try:
                    async with asyncio.timeout(0.5):
                        await self._changed.wait()
                except TimeoutError:
                    continue
        return found

    # what people do

    def chat(self, kind: Kind, *members: Person, name: str = "") -> Chat:
        if kind == "personal":
            identity = f"a:1{members[0].name}{members[0].tenant[:6]}"
        else:
            identity = f"19:{name or kind}{next(_STAMPS)}@thread.{'tacv2' if kind == 'channel' else 'v2'}"
        return self._chats.setdefault(identity, Chat(identity, kind, list(members)))

    def thread(self, channel: Chat, root: str = "") -> Chat:
        """Of the channel; a new one unless named."""
        return Chat(channel.id, "channel", channel.members, root or str(next(_STAMPS)))

    async def say(self, by: Person, chat: Chat, text: str, **more: Any) -> Said:
        """Mentions the bot where others are."""
        said = self.said(by, chat, text, **more)
        status = await self.deliver(said.activity)
        assert status in (200, 201), status
        return said

    def said(self, by: Person, chat: Chat, text: str, **more: Any) -> Said:
        """Not yet delivered."""
        identity = str(next(_STAMPS))
        if chat.kind == "channel" and not chat.root:
            chat = self.thread(chat, identity)
        activity = self.activity(by, chat, "message", id=identity, textFormat="plain")
        if chat.kind == "personal":
            activity["text"] = text
        else:
            activity["text"] = f"<at>Switchboard</at> {text}"
            mention = {"type": "mention", "mentioned": {"id": BOT, "name": "Switchboard"}}
            activity["entities"].append({**mention, "text": "<at>Switchboard</at>"})
        return Said(identity, chat, by, {**activity, **more})

    def activity(self, by: Person, chat: Chat, kind: str, **more: Any) -> Json:
        sender: Json = {"id": by.mri, "name": by.name} | ({"aadObjectId": by.user} if by.known else {})
        conversation = {"id": chat.conversation, "conversationType": chat.kind, "tenantId": ACME}
        return {
            "type": kind,
            "channelId": "msteams",
            "serviceUrl": self.service_url,
            "from": sender,
            "conversation": conversation,
            "recipient": {"id": BOT, "name": "Switchboard"},
            "entities": [{"type": "clientInfo", "locale": "en-GB", "timezone": "Europe/London"}],
            "channelData": {"tenant": {"id": ACME}},
            **more,
        }

    async def edit(self, said: Said, text: str) -> None:
        changed = self.said(said.by, said.chat, text).activity
        data = {**changed["channelData"], "eventType": "editMessage"}
        await self.deliver({**changed, "type": "messageUpdate", "id": said.id, "channelData": data})

    async def delete(self, said: Said) -> None:
        gone = self.activity(said.by, said.chat, "messageDelete", id=said.id)
        await self.deliver(gone | {"channelData": {"tenant": {"id": ACME}, "eventType": "softDeleteMessage"}})

    async def install(self, by: Person, chat: Chat) -> None:
        await self.deliver(self.activity(by, chat, "installationUpdate", action="add"))
        added = [{"id": BOT}]
        await self.deliver(self.activity(by, chat, "conversationUpdate", membersAdded=added))

    async def press(self, by: Person, on: Shown, chat: Chat, verb: str, data: Mapping[str, Any]) -> Json:
        """An Action.Execute of a card; what Teams gets for it."""
        value = {"action": {"type": "Action.Execute", "verb": verb, "data": dict(data)}}
        return await self.invoke(by, chat, "adaptiveCard/action", value, on.id)

    async def vote(self, by: Person, on: Shown, chat: Chat, reaction: str, text: str = "") -> Json:
        said = {"reaction": reaction, "feedback": json.dumps({"feedbackText": text})}
        value = {"actionName": "feedback", "actionValue": said}
        return await self.invoke(by, chat, "message/submitAction", value, on.id)

    async def invoke(self, by: Person, chat: Chat, name: str, value: Json, reply_to: str = "") -> Json:
        activity = self.activity(by, chat, "invoke", name=name, value=value, replyToId=reply_to)
        response = await self.post(activity)
        assert response.status_code < 300, response.status_code
        return response.json() if response.content else {}

    async def send_file(self, by: Person, chat: Chat, name: str, data: bytes, text: str = "") -> Said:
        self.files[name] = data
        content = {"downloadUrl": f"{self.origin}/files/{name}", "uniqueId": f"id-{name}", "fileType": "md"}
        attached = {"contentType": "application/vnd.microsoft.teams.file.download.info", "name": name}
        html = {"contentType": "text/html", "content": "<p></p>"}
        return await self.say(by, chat, text, attachments=[{**attached, "content": content}, html])

    async def deliver(self, activity: Json) -> int:
        return (await self.post(activity)).status_code

    async def post(self, activity: Json, token: str | None = None) -> httpx.Response:
        """token: "" for none."""
        assert self._bot is not None
        made = self.issuer.token(self.service_url) if token is None else token
        headers = {"Authorization": f"Bearer {made}"} if made else {}
        body = {"id": str(next(_STAMPS)), **activity}
        return await self._bot.post("/api/messages", json=body, headers=headers)

    # the connector

    async def _file(self, request: web.Request) -> web.Response:
        data = self.files.get(request.match_info["name"])
        return web.Response(body=data) if data is not None else web.Response(status=404)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        try:
            return await self._handled(request, raw)
        finally:
            self._changed.set()

    async def _handled(self, request: web.Request, raw: bytes) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            self.violations.append("a call without the bot's token")
            return _error(401, "Unauthorized")
        body: Json = json.loads(raw) if raw else {}
        parts = request.match_info["path"].split("/")
        call = _call(request.method, parts, body)
        conversation = parts[1] if len(parts) > 1 else ""
        self.calls.append((call, conversation, body))
        fault = self._fault(call)
        if fault is not None and fault.status:
            headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
            return _error(fault.status, fault.code, headers=headers)
        if fault is not None and fault.dropped:
            return _broken(request)
        if len(raw) > LARGEST:
            self.violations.append(f"{len(raw)} bytes")
            return _error(413, "MessageSizeTooBig")
        answer = self._done(call, conversation, parts, body)
        return _broken(request) if fault is not None and fault.lost else answer

    def _fault(self, call: str) -> Fault | None:
        for name in (call, "*"):
            if waiting := self._faults.get(name):
                return waiting.popleft()
        return None

    def _done(self, call: str, conversation: str, parts: list[str], body: Json) -> web.Response:
        chat = self._chats.get(conversation.partition(";")[0])
        if call == "create":
            return self._created(body)
        if chat is None:
            return _error(404, "ConversationNotFound")
        match call:
            case "member":
                return self._member(chat, parts[-1])
            case "typing":
                return web.json_response({"id": str(next(_STAMPS))}, status=201)
            case "start" | "step" | "final":
                return self._streamed(call, chat, conversation, body)
            case "send":
                return self._posted(conversation, body)
            case "replace":
                return self._replaced(conversation, parts[-1], body)
            case _:
                return self._removed(conversation, parts[-1])

    def _created(self, body: Json) -> web.Response:
        mri = body["members"][0]["id"]
        people = {one.mri: one for chat in self._chats.values() for one in chat.members}
        if mri not in people:
            return _error(403, "BotNotInConversationRoster")
        return web.json_response({"id": self.chat("personal", people[mri]).id}, status=201)

    def _member(self, chat: Chat, mri: str) -> web.Response:
        for one in chat.members:
            if one.mri == mri:
                shown = {"id": mri, "name": one.name, "aadObjectId": one.user, "tenantId": one.tenant}
                shown |= {"email": one.email, "userPrincipalName": one.email, "userRole": one.role}
                return web.json_response(shown)
        return _error(404, "MemberNotFoundInConversation")

    def _posted(self, conversation: str, body: Json) -> web.Response:
        self._look_at(body)
        shown = Shown(str(next(_STAMPS)), conversation, body, versions=[str(body.get("text", ""))])
        self.shown.append(shown)
        return web.json_response({"id": shown.id}, status=201)

    def _replaced(self, conversation: str, identity: str, body: Json) -> web.Response:
        shown = self._find(conversation, identity)
        if shown is None:
            return _error(404, "ActivityNotFoundInConversation")
        if shown.streaming and not self._expired(self.streams[shown.stream]):
            return _error(403, "ContentStreamNotAllowed", "The message is being streamed")
        self._look_at(body)
        shown.activity, shown.streaming = body, False
        shown.versions.append(str(body.get("text", "")))
        return web.json_response({"id": shown.id})

    def _removed(self, conversation: str, identity: str) -> web.Response:
        shown = self._find(conversation, identity)
        if shown is None:
            return _error(404, "ActivityNotFoundInConversation")
        self.shown.remove(shown)
        return web.Response(status=200)

    def _find(self, conversation: str, identity: str) -> Shown | None:
        for one in self.shown:
            if one.conversation == conversation and identity in (one.id, one.stream) and identity:
                return one
        return None

    def _streamed(self, call: str, chat: Chat, conversation: str, body: Json) -> web.Response:
        info = _stream_info(body)
        if chat.kind != "personal":
            self.violations.append("a stream where others are")
            return _error(403, "ContentStreamNotAllowed", "Streaming is for one-on-one chats")
        if call == "start":
            return self._started(conversation, body, info)
        stream = self.streams.get(str(info.get("streamId")))
        if stream is None:
            return _error(400, "BadRequest", "Unknown stream")
        if stream.stopped:
            return _error(403, "ContentStreamNotAllowed", "Content stream was canceled by user.")
        if stream.over:
            detail = "Content stream is not allowed on an already completed streamed message."
            return _error(403, "ContentStreamNotAllowed", detail)
        if self._expired(stream):
            detail = "Content stream finished due to exceeded streaming time."
            return _error(403, "ContentStreamNotAllowed", detail)
        return self._stepped(stream, call, body, info)

    def _expired(self, stream: Stream) -> bool:
        if not stream.over and self.now() - stream.began > STREAM_S:
            stream.over = True
            for one in self.shown:
                if one.stream == stream.id:
                    one.streaming = False
            self.violations.append("a stream of more than two minutes")
        return stream.over

    def _started(self, conversation: str, body: Json, info: Json) -> web.Response:
        open_ = [one for one in self.streams.values() if one.conversation == conversation and not one.over]
        if any(not self._expired_quietly(one) for one in open_):
            return _error(403, "ContentStreamNotAllowed", "There is a stream in this chat already")
        if info.get("streamSequence") != 1 or not body.get("text"):
            self.violations.append(f"a stream that begins with {info}")
            return _error(400, "BadRequest")
        stream = Stream(f"a-{next(_STAMPS)}", conversation, self.now(), 1)
        self.streams[stream.id] = stream
        if info.get("streamType") == "informative":
            stream.status.append(str(body["text"]))
        else:
            stream.text = str(body["text"])
            self._grown(stream)
        return web.json_response({"id": stream.id}, status=201)

    def _expired_quietly(self, stream: Stream) -> bool:
        return stream.over or self.now() - stream.began > STREAM_S

    def _stepped(self, stream: Stream, call: str, body: Json, info: Json) -> web.Response:
        text = str(body.get("text", ""))
        if call == "step":
            sequence = int(info.get("streamSequence", 0))
            if sequence <= stream.sequence:
                return _error(400, "ContentStreamSequenceOrderPreConditionFailed", "Out of order")
            stream.sequence = sequence
        if info.get("streamType") == "informative":
            if stream.text:
                self.violations.append("a status after text")
            stream.status.append(text)
            return web.Response(status=202)
        if not text.startswith(stream.text):
            self.violations.append(f"the text did not grow: {stream.text[-40:]!r} → {text[:80]!r}")
            return _error(400, "BadRequest", "Start of the text does not match what was streamed")
        stream.text = text
        shown = self._grown(stream)
        if call == "final":
            if "streamSequence" in info:
                self.violations.append("a final step with a number")
            self._look_at(body)
            stream.over, shown.streaming, shown.activity = True, False, body
            shown.id = str(next(_STAMPS))
            return web.json_response({"id": shown.id}, status=201)
        return web.Response(status=202)

    def _grown(self, stream: Stream) -> Shown:
        for one in self.shown:
            if one.stream == stream.id:
                break
        else:
            one = Shown(str(next(_STAMPS)), stream.conversation, {}, True, stream.id)
            self.shown.append(one)
        one.activity = {"type": "message", "text": stream.text}
        one.versions.append(stream.text)
        return one

    def stop(self, stream: Stream) -> None:
        """The person presses "stop"."""
        stream.stopped = True
        for one in self.shown:
            if one.stream == stream.id:
                one.streaming = False

    def _look_at(self, body: Json) -> None:
        """What no message may be."""
        if not str(body.get("text", "")).strip() and not body.get("attachments"):
            self.violations.append("an empty message")
        for entity in body.get("entities", []):
            if entity.get("type") == "mention":
                self.violations.append("a mention")
            if entity.get("type") == "https://schema.org/Message":
                self._look_at_citations(entity, str(body.get("text", "")))

    def _look_at_citations(self, entity: Json, text: str) -> None:
        claims = entity.get("citation", [])
        positions = [claim["position"] for claim in claims]
        if len(claims) > 20 or len(set(positions)) != len(positions):
            self.violations.append(f"citations {positions}")
        for claim in claims:
            look = claim["appearance"]
            if len(look["name"]) > 80 or len(look["abstract"]) > 160 or len(look.get("keywords", [])) > 3:
                self.violations.append(f"a citation that is too long: {look}")
            if any(len(word) > 28 for word in look.get("keywords", [])):
                self.violations.append(f"a keyword that is too long: {look}")


def _call(method: str, parts: list[str], body: Json) -> str:
    if parts == ["conversations"]:
        return "create"
    if "members" in parts:
        return "member"
    if method == "PUT":
        return "replace"
    if method == "DELETE":
        return "remove"
    info = _stream_info(body)
    if info:
        if body.get("type") == "message":
            return "final"
        return "step" if info.get("streamId") else "start"
    return "typing" if body.get("type") == "typing" else "send"


def _stream_info(body: Json) -> Json:
    found: list[Json] = [one for one in body.get("entities", []) if one.get("type") == "streaminfo"]
    return found[0] if found else {}


def _error(
    status: int, code: str, message: str = "It did not work.", headers: Mapping[str, str] | None = None
) -> web.Response:
    told = {"error": {"code": code, "message": message}}
    return web.json_response(told, status=status, headers=dict(headers or {}))


def _broken(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
