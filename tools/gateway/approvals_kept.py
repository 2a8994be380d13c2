"""What is remembered of approvals, in Redis: what may go on without asking, and who has been asked already.

Losing it costs a person another question and nothing else: while Redis is away, everything is asked.
"""

import hashlib
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import msgspec
import structlog

from kit.clock import Clock, epoch
from kit.errors import Unavailable
from kit.wire.interactions import AskRemembered, Remembered, RememberedApproval
from kit.wire.tools import Approval
from ports.redis import Redis, RedisError
from tools.gateway.call import Call
from tools.gateway.states import digest_of, session_of

_PREFIX = "mcp-approvals:"
_LATE_S = 60
_log = structlog.get_logger()


class ApprovalsUnknown(Unavailable):
    code = "approvals_unknown"
    title = "What is remembered of your approvals cannot be read at the moment"


class _Kept(msgspec.Struct):
    tool: str
    server: str
    session: str | None
    at: float
    until: float


class KeptApprovals:
    """`remembered_s`: how long "this tool in this session" holds, at the longest.

    What is remembered of a person stands in one hash, so that the person can see and withdraw it.
    """

    def __init__(self, redis: Redis, remembered_s: float, clock: Clock) -> None:
        self._redis = cast(Any, redis)
        self._remembered_s = round(remembered_s)
        self._now = epoch(clock)

    async def remembered(self, call: Call, policy: Approval) -> bool:
        if not may_remember(call, policy):
            return False
        try:
            held: bytes | None = await self._redis.hget(_of_caller(call), _remembered_id(call, policy))
        except RedisError as error:
            _note(error)
            return False
        return held is not None and _decoded(held).until > self._now()

    async def remember(self, call: Call, policy: Approval) -> None:
        if not may_remember(call, policy):
            return
        now, tool = self._now(), call.known_tool()
        conversation = call.known_caller().principal.limits.session_id
        kept = _Kept(
            tool=tool.name,
            server=tool.server,
            # an MCP session's id lets one speak in it: it is shown to nobody
            session=str(conversation) if conversation else None,
            at=now,
            until=now + self._remembered_s,
        )
        key, held = _of_caller(call), msgspec.json.encode(kept)
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.hset(key, _remembered_id(call, policy), held)
                pipe.expire(key, self._remembered_s)
                await pipe.execute()
        except RedisError as error:
            _note(error)

    async def shown(self, asked: AskRemembered) -> Remembered:
        """What is remembered of this person, newest first; `asked.forget` is forgotten before, on every
        replica at once. Raises ApprovalsUnknown where Redis is away."""
        key, now = _of(str(asked.organisation_id), str(asked.user_id)), self._now()
        try:
            forgotten = bool(await self._redis.hdel(key, asked.forget)) if asked.forget else False
            held: dict[bytes, bytes] = await self._redis.hgetall(key)
            found = {id.decode(): _decoded(one) for id, one in held.items()}
            if over := [id for id, one in found.items() if one.until <= now]:
                await self._redis.hdel(key, *over)
        except RedisError as error:
            _note(error)
            raise ApprovalsUnknown(retry_after=5) from error
        items = [_shown(id, one) for id, one in found.items() if one.until > now]
        return Remembered(
            items=sorted(items, key=lambda one: one.remembered_at, reverse=True), forgotten=forgotten
        )

    async def pending(self, call: Call, policy: Approval) -> tuple[str, str] | None:
        """(id, url) of the interaction that asks about exactly this call of this caller."""
        try:
            held: bytes | None = await self._redis.get(_pending_key(call, policy))
        except RedisError as error:
            _note(error)
            return None
        if held is None:
            return None
        id, url = msgspec.json.decode(held, type=tuple[str, str])
        return id, url

    async def note_pending(self, call: Call, policy: Approval, id: str, url: str) -> None:
        """Kept for longer than it can be answered, so that a late call is told that it expired."""
        held, until_s = msgspec.json.encode((id, url)), policy.expires_s + _LATE_S
        try:
            await self._redis.set(_pending_key(call, policy), held, ex=until_s)
        except RedisError as error:
            _note(error)

    async def forget_pending(self, call: Call, policy: Approval) -> None:
        try:
            await self._redis.delete(_pending_key(call, policy))
        except RedisError as error:
            _note(error)


def may_remember(call: Call, policy: Approval) -> bool:
    """Within a session, where the policy says so; never what destroys, whatever the policy says."""
    if policy.mode != "ask" or not policy.remember or call.known_tool().policy.risk == "destructive":
        return False
    return session_of(call) != ""


def policy_hash(call: Call, policy: Approval) -> str:
    """What was agreed to holds under this policy for this definition; a change of either forgets it."""
    tool = call.known_tool().policy
    return _hashed([policy.model_dump_json(), tool.risk, tool.definition_hash])


def _of_caller(call: Call) -> str:
    caller = call.known_caller()
    return _of(caller.organisation_id, caller.actor)


def _of(organisation_id: str, actor: str) -> str:
    return f"{_PREFIX}remembered:{organisation_id}:{actor}"


def _remembered_id(call: Call, policy: Approval) -> str:
    tool = call.known_tool()
    said = [session_of(call), tool.server_key, tool.address, tool.own_name]
    return _hashed([*said, policy_hash(call, policy)])


def _decoded(held: bytes) -> _Kept:
    return msgspec.json.decode(held, type=_Kept)


def _shown(id: str, kept: _Kept) -> RememberedApproval:
    return RememberedApproval(
        id=id,
        tool=kept.tool,
        server=kept.server,
        session_id=UUID(kept.session) if kept.session else None,
        remembered_at=datetime.fromtimestamp(kept.at, UTC),
        expires_at=datetime.fromtimestamp(kept.until, UTC),
    )


def _pending_key(call: Call, policy: Approval) -> str:
    caller = call.known_caller()
    # of no session: a client that cannot ask may begin a new one before it calls again
    said = [caller.organisation_id, caller.actor, digest_of(call), policy_hash(call, policy)]
    return f"{_PREFIX}pending:{_hashed(said)}"


def _hashed(said: list[str]) -> str:
    return hashlib.sha256(msgspec.json.encode(said)).hexdigest()


def _note(error: RedisError) -> None:
    _log.warning("gateway.approvals_not_remembered", error=type(error).__name__)
