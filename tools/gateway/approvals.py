"""Approval of calls: who is asked, what counts as an answer, and that it counts once (SPEC 5, 9).

A client that can ask its person is answered `input_required` with one form. Its answer comes back with our
sealed state, whose id is used up in the platform's database before the call is made: whoever sends it again,
to whichever replica, is refused. Where the client cannot ask, or somebody else has to agree, the platform
keeps the question as an interaction; the call is told where it is and passes once after the answer.
Where the platform cannot be reached, nothing is allowed.
"""

from collections.abc import Mapping
from typing import Any, cast
from uuid import uuid4

import msgspec
import structlog
from prometheus_client import Counter

from access.tokens import claims_of
from kit.clock import Clock
from kit.errors import SwitchboardError
from kit.wire.interactions import (
    EXPIRES_META,
    INTERACTION_META,
    KIND_META,
    ConsumedOneShot,
    ConsumeOneShot,
    OpenOneShot,
)
from kit.wire.tools import Approval
from ports.redis.rates import Bound, Bounds, Limiter
from tools.gateway import approvals_shown as shown
from tools.gateway.approvals_kept import KeptApprovals, may_remember, policy_hash
from tools.gateway.approvals_refusals import (
    ApprovalDeclined,
    ApprovalExpired,
    ApprovalPending,
    ApprovalRefused,
    ApprovalUnavailable,
    ApprovalUnreadable,
    ApprovalUsed,
    TooManyApprovals,
)
from tools.gateway.call import Call, Handler, Reply
from tools.gateway.platform import PlatformLink
from tools.gateway.recording import record, sanitised, trace_id_of
from tools.gateway.spool import Spool
from tools.gateway.states import Kind, StateExpired, StateRefused, States, digest_of, kind_of

WAITS = "switchboard/waits"
"""Among a client's experimental capabilities: it keeps a question until somebody else has answered it."""
APPROVAL_META = "switchboard/approval"
_LONGEST_S = 86_400
_OURS: frozenset[str | None] = frozenset(("approval", "approved", "second"))
_NEVER = Approval(mode="never")
_approvals = Counter(
    "switchboard_gateway_approvals_total",
    "Approvals of calls: asked, accepted, declined, expired, replayed, refused, remembered, unavailable.",
    ["server", "outcome"],
)
_log = structlog.get_logger()


class Approvals:
    """One for all calls; see `tools/gateway/wrappers/approval.py` for where it stands."""

    def __init__(
        self,
        *,
        states: States,
        platform: PlatformLink,
        kept: KeptApprovals,
        limiter: Limiter,
        spool: Spool,
        clock: Clock,
        per_min: int,
    ) -> None:
        self._states = states
        self._platform = platform
        self._kept = kept
        self._limiter = limiter
        self._spool = spool
        self._clock = clock
        self._per_min = per_min

    async def decide(self, call: Call, inner: Handler) -> Reply:
        """The call's reply, or the question. Raises the errors of `approvals_refusals`."""
        policy = call.known_tool().approval or _NEVER
        state = call.resumption.get("requestState")
        if state is not None:
            return await self._resumed(call, policy, state, inner)
        if await self._kept.remembered(call, policy):
            self._told(call, "remembered", "approval.answered", action="remembered")
            return await self._made(call, policy, inner, {})
        await self._count(call)
        if policy.mode == "second_person" and _waits(call):
            return await self._ask_second(call, policy)
        if policy.mode == "second_person" or not can_ask(call):
            return await self._stored(call, policy, inner)
        id = str(uuid4())
        self._told(call, "asked", "approval.requested", one_shot=id, by="client")
        return self._question(call, policy, "approval", id)

    # --- the next leg

    async def _resumed(self, call: Call, policy: Approval, state: Any, inner: Handler) -> Reply:
        await self._count(call)
        kind, held = self._opened(call, policy, state)
        id, resumption = str(held["id"]), dict[str, Any]()
        match kind:
            case "approved":
                resumption = _onwards(call, held)
                await self._use(call, id)
            case "second":
                await self._use(call, id, opened=True, second_person=True)
            case _:
                await self._answered(call, policy, id)
        return await self._made(call, policy, inner, resumption)

    def _opened(self, call: Call, policy: Approval, state: Any) -> tuple[Kind, dict[str, Any]]:
        kind = kind_of(state) if isinstance(state, str) else None
        if kind not in _OURS:
            raise self._refused(call, "forged")
        try:
            held = self._states.open(call, cast(Kind, kind), state)
        except StateRefused as error:
            raise self._refused(call, error.reason) from error
        except StateExpired as error:
            self._told(call, "expired", "approval.refused", reason="expired")
            raise ApprovalExpired from error
        if held["policy"] != policy_hash(call, policy):
            raise self._refused(call, "policy", held["id"])
        return cast(Kind, kind), held

    async def _answered(self, call: Call, policy: Approval, id: str) -> None:
        """Returns where the person agreed and nobody has used that before."""
        action, remember = self._read(call, policy, id)
        if action == "accept":
            await self._use(call, id)
            if remember:
                await self._kept.remember(call, policy)
            return
        self._told(call, "declined", "approval.answered", one_shot=id, action=action)
        try:
            # used up, so that a later yes to this question counts for nothing
            await self._consume(call, id)
        except SwitchboardError:
            _log.warning("gateway.declined_approval_not_used_up", one_shot=id)
        raise ApprovalDeclined("The person did not allow the call.")

    def _read(self, call: Call, policy: Approval, id: str) -> tuple[str, bool]:
        answer = _answer_of(call.resumption.get("inputResponses"), remember=may_remember(call, policy))
        if answer is None:
            self._told(call, "refused", "approval.refused", one_shot=id, reason="answer")
            raise ApprovalUnreadable()
        return answer

    # --- what the platform keeps

    async def _ask_second(self, call: Call, policy: Approval) -> Reply:
        id, _ = await self._open(call, policy)
        return self._question(call, policy, "second", id)

    async def _stored(self, call: Call, policy: Approval, inner: Handler) -> Reply:
        second = policy.mode == "second_person"
        known = await self._kept.pending(call, policy)
        if known is None:
            id, url = await self._open(call, policy)
            await self._kept.note_pending(call, policy, id, url)
            raise _pending(id, url, second=second)
        id, url = known
        try:
            await self._use(call, id, opened=True, second_person=second, url=url)
        except (ApprovalExpired, ApprovalUsed):
            await self._kept.forget_pending(call, policy)
            raise
        await self._kept.forget_pending(call, policy)
        return await self._made(call, policy, inner, {})

    async def _open(self, call: Call, policy: Approval) -> tuple[str, str]:
        caller, second = call.known_caller(), policy.mode == "second_person"
        wanted = OpenOneShot(
            claims=claims_of(caller.principal, caller.keys),
            tool=call.known_tool().name,
            arguments=shown.storable(call.arguments),
            digest=digest_of(call),
            message=shown.asked(call, policy),
            requested_schema=shown.form(remember=False),
            second_person=second,
            approvers=policy.approvers,
            expires_s=_life_s(policy),
        )
        try:
            opened = await self._platform.open_one_shot(wanted)
        except SwitchboardError as error:
            self._told(call, "unavailable", "approval.refused", reason="unavailable")
            raise ApprovalUnavailable(
                "Nobody could be asked about this call.", retry_after=error.retry_after
            ) from error
        by = "second_person" if second else "interaction"
        self._told(call, "asked", "approval.requested", one_shot=str(opened.id), by=by)
        return str(opened.id), opened.url

    async def _use(
        self,
        call: Call,
        id: str,
        *,
        opened: bool = False,
        second_person: bool = False,
        url: str = "",
    ) -> None:
        """Returns for one call of all that come with this id. Raises whatever else it is."""
        used = await self._consume(call, id, opened=opened, second_person=second_person)
        if used.consumed and used.action == "accept":
            self._told(call, "accepted", "approval.answered", one_shot=id, action="accept")
            return
        match used.action:
            case "pending":
                raise _pending(id, url or f"/api/v1/interactions/{id}", second=second_person)
            case "decline":
                self._told(call, "declined", "approval.answered", one_shot=id, action="decline")
                raise ApprovalDeclined("The call was not allowed.")
            case "expired":
                self._told(call, "expired", "approval.refused", one_shot=id, reason="expired")
                raise ApprovalExpired
            case _:
                self._told(call, "replayed", "approval.refused", one_shot=id, reason="used")
                raise ApprovalUsed

    async def _consume(
        self, call: Call, id: str, *, opened: bool = False, second_person: bool = False
    ) -> ConsumedOneShot:
        """`opened`: the platform made the id; one that the gateway made it hears of here first."""
        caller = call.known_caller()
        wanted = ConsumeOneShot(
            claims=claims_of(caller.principal, caller.keys),
            digest=digest_of(call),
            second_person=second_person,
            opened=opened,
        )
        try:
            return await self._platform.consume_one_shot(id, wanted)
        except SwitchboardError as error:
            self._told(call, "unavailable", "approval.refused", one_shot=id, reason="unavailable")
            raise ApprovalUnavailable(
                "The approval could not be used up, so the call was not made.", retry_after=error.retry_after
            ) from error

    # --- the call itself

    async def _made(
        self, call: Call, policy: Approval, inner: Handler, resumption: Mapping[str, Any]
    ) -> Reply:
        call.resumption = resumption
        reply = await inner(call)
        return self._wrapped(call, policy, reply) if reply.needs_input else reply

    def _wrapped(self, call: Call, policy: Approval, reply: Reply) -> Reply:
        """What an approved tool asks: its state within ours, so that its next leg needs no second approval
        and is made once."""
        result = cast(dict[str, Any], msgspec.json.decode(reply.result))
        held: dict[str, Any] = {"id": str(uuid4()), "policy": policy_hash(call, policy)}
        if "requestState" in result:
            held["inner"] = result["requestState"]
        result["requestState"] = self._states.seal(call, "approved", held, _life_s(policy))
        return Reply(msgspec.json.encode(result), reply.failed, needs_input=True)

    def _question(self, call: Call, policy: Approval, kind: Kind, id: str) -> Reply:
        held = {"id": id, "policy": policy_hash(call, policy)}
        meta: dict[str, Any] = {
            KIND_META: "approval",
            APPROVAL_META: _about(call, policy, id),
            EXPIRES_META: _life_s(policy),
        }
        if kind == "second":
            meta[INTERACTION_META] = id
        remember = kind == "approval" and may_remember(call, policy)
        params = {
            "mode": "form",
            "message": shown.asked(call, policy),
            "requestedSchema": shown.form(remember=remember),
            "_meta": meta,
        }
        result = {
            "resultType": "input_required",
            "inputRequests": {shown.KEY: {"method": "elicitation/create", "params": params}},
            "requestState": self._states.seal(call, kind, held, _life_s(policy)),
        }
        return Reply(msgspec.json.encode(result), needs_input=True)

    # --- limits and records

    async def _count(self, call: Call) -> None:
        """Questions come before the rate limit, and each may cost the platform a write."""
        whose = f"{call.known_caller().actor}:approvals"
        taken = await self._limiter.take(Bounds((Bound("user", whose, self._per_min),)))
        if taken.refused_by is not None:
            raise TooManyApprovals(
                f"{self._per_min} questions about calls a minute are the limit.",
                retry_after=max(1, round(taken.wait_s)),
            )

    def _refused(self, call: Call, reason: str, id: str | None = None) -> ApprovalRefused:
        self._told(call, "refused", "approval.refused", one_shot=id, reason=reason)
        return ApprovalRefused("What came back does not belong to this call.")

    def _told(self, call: Call, outcome: str, type: str, **more: Any) -> None:
        """Counted and recorded; the arguments never as values."""
        tool = call.known_tool()
        _approvals.labels(tool.server, outcome).inc()
        data = {
            "tool": tool.name,
            "server": tool.server,
            "risk": tool.policy.risk,
            "digest": digest_of(call),
            "arguments": sanitised(call.arguments),
            **more,
        }
        made = record(self._clock, type, data, caller=call.known_caller(), trace_id=trace_id_of(call))
        self._spool.write(made)


def is_ours(state: Any) -> bool:
    """Whether what a client brings back was given out by approvals."""
    return isinstance(state, str) and kind_of(state) in _OURS


def can_ask(call: Call) -> bool:
    """Whether the client shows forms to its person: it said so, and can be sent a question."""
    declared = call.capabilities.get("elicitation")
    if not isinstance(declared, dict) or (declared and "form" not in declared):
        return False
    return not call.in_session or call.tell is not None


def _waits(call: Call) -> bool:
    experimental = call.capabilities.get("experimental")
    return isinstance(experimental, dict) and WAITS in experimental and can_ask(call)


def _onwards(call: Call, held: Mapping[str, Any]) -> dict[str, Any]:
    """What the tool gets: the answers to its own questions, and its own state."""
    resumption: dict[str, Any] = {}
    if "inputResponses" in call.resumption:
        resumption["inputResponses"] = call.resumption["inputResponses"]
    if "inner" in held:
        resumption["requestState"] = held["inner"]
    return resumption


def _answer_of(responses: Any, *, remember: bool) -> tuple[str, bool] | None:
    """(action, whether to remember); None where it is not exactly an answer to our question."""
    if not isinstance(responses, dict) or set(cast(dict[str, Any], responses)) != {shown.KEY}:
        return None
    answer: Any = cast(dict[str, Any], responses)[shown.KEY]
    given = cast(dict[str, Any], answer) if isinstance(answer, dict) else {}
    action, content = given.get("action"), given.get("content")
    if action not in ("accept", "decline", "cancel"):
        return None
    if action != "accept" or not content:
        return str(action), False
    fields = cast(dict[str, Any], content) if isinstance(content, dict) else None
    if fields is None or not remember or set(fields) != {shown.REMEMBER}:
        return None
    ticked = fields[shown.REMEMBER]
    return (str(action), ticked) if isinstance(ticked, bool) else None


def _about(call: Call, policy: Approval, id: str) -> dict[str, Any]:
    """For channels that draw the question themselves."""
    tool = call.known_tool()
    title = tool.policy.definition.get("title")
    return {
        "id": id,
        "tool": tool.name,
        "title": shown.line(title if isinstance(title, str) else tool.own_name),
        "server": tool.server,
        "risk": tool.policy.risk,
        "arguments": shown.readable(call.arguments),
        "digest": digest_of(call),
        "remember": may_remember(call, policy),
        "second_person": policy.mode == "second_person",
        "approvers": policy.approvers,
        "expires_s": _life_s(policy),
    }


def _life_s(policy: Approval) -> int:
    return min(policy.expires_s, _LONGEST_S)


def _pending(id: str, url: str, *, second: bool) -> ApprovalPending:
    who = "Somebody else" if second else "A person"
    return ApprovalPending(f"{who} has to allow this call first; it was not made.", id=id, url=url)
