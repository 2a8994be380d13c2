"""What is remembered of approvals, in Redis: what may go on without asking, and who has been asked already.

Losing it costs a person another question and nothing else: while Redis is away, everything is asked.
"""

import hashlib
from typing import Any, cast

import msgspec
import structlog

from kit.wire.tools import Approval
from ports.redis import Redis, RedisError
from tools.gateway.call import Call
from tools.gateway.states import digest_of, session_of

_PREFIX = "mcp-approvals:"
_LATE_S = 60
_log = structlog.get_logger()


class KeptApprovals:
    """`remembered_s`: how long "this tool in this session" holds, at the longest."""

    def __init__(self, redis: Redis, remembered_s: float) -> None:
        self._redis = cast(Any, redis)
        self._remembered_s = round(remembered_s)

    async def remembered(self, call: Call, policy: Approval) -> bool:
        if not may_remember(call, policy):
            return False
        try:
            return bool(await self._redis.exists(_remembered_key(call, policy)))
        except RedisError as error:
            _note(error)
            return False

    async def remember(self, call: Call, policy: Approval) -> None:
        if not may_remember(call, policy):
            return
        try:
            await self._redis.set(_remembered_key(call, policy), b"1", ex=self._remembered_s)
        except RedisError as error:
            _note(error)

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


def _remembered_key(call: Call, policy: Approval) -> str:
    caller, tool = call.known_caller(), call.known_tool()
    said = [caller.organisation_id, caller.actor, session_of(call), tool.server_key, tool.address]
    said.append(tool.own_name)
    return f"{_PREFIX}remembered:{_hashed([*said, policy_hash(call, policy)])}"


def _pending_key(call: Call, policy: Approval) -> str:
    caller = call.known_caller()
    # of no session: a client that cannot ask may begin a new one before it calls again
    said = [caller.organisation_id, caller.actor, digest_of(call), policy_hash(call, policy)]
    return f"{_PREFIX}pending:{_hashed(said)}"


def _hashed(said: list[str]) -> str:
    return hashlib.sha256(msgspec.json.encode(said)).hexdigest()


def _note(error: RedisError) -> None:
    _log.warning("gateway.approvals_not_remembered", error=type(error).__name__)
