"""A risky call is made once somebody has agreed to it: clients of both eras, and those that cannot ask."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import mcp_types as types
import pytest
from prometheus_client import REGISTRY
from redis.asyncio import Redis

from access.principal import Principal
from access.services import PLATFORM
from kit.wire import mcp
from kit.wire.interactions import AskRemembered, Remembered
from kit.wire.tools import Approval, RegisteredTool
from knowledge.index import Index
from tests.tools.gateway.wire import CLIENT, post, stateless
from tests.tools.upstreams import Echo, definition, server, spoken, tool
from tests.tools.world import MAYA, TOM, Gate, registry_of, running_gateway
from tools.gateway.settings import GatewaySettings

pytestmark = pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning")
SETTINGS = GatewaySettings(registry_poll_s=3600, definitions_check_s=3600)
FORMS: dict[str, Any] = {"elicitation": {"form": {}}}
ERAS = pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
NAMES = ("files.remove", "files.write", "files.read", "files.wipe")


def asking(params: dict[str, Any]) -> dict[str, Any]:
    """A tool that asks twice itself before it does anything; its state is its own."""
    rounds = {None: "one", "one": "two"}
    state = params.get("requestState")
    if params["name"] != "files.wipe" or state == "two":
        return spoken(params)
    schema = {"type": "object", "properties": {"why": {"type": "string"}}}
    asked = {"mode": "form", "message": f"Why, {rounds[state]}?", "requestedSchema": schema}
    wanted = {"why": {"method": "elicitation/create", "params": asked}}
    return {"resultType": "input_required", "inputRequests": wanted, "requestState": rounds[state]}


def files(**policies: RegisteredTool) -> list[RegisteredTool]:
    """A tool of each risk; `policies` replaces some of them."""
    by_name = {
        "files.remove": tool("files.remove", risk="destructive"),
        "files.write": tool("files.write", risk="write"),
        "files.read": tool("files.read"),
        "files.wipe": tool("files.wipe", risk="destructive"),
    }
    return [policies.get(name.partition(".")[2], given) for name, given in by_name.items()]


@dataclass
class Desk:
    """The gate, the server behind it, and what raw clients say to it."""

    gate: Gate
    server: Echo

    @property
    def made(self) -> list[str]:
        """The texts of the calls that came to the server, in order."""
        return [call.message["params"]["arguments"]["text"] for call in self.server.calls]

    async def call(
        self,
        name: str = "files.remove",
        text: str = "all",
        *,
        who: Principal = MAYA,
        capabilities: Any = None,
        path: str = "/mcp",
        **more: Any,
    ) -> dict[str, Any]:
        response = await self.send(name, text, who=who, capabilities=capabilities, path=path, **more)
        return response.json()["result"]

    async def send(
        self,
        name: str,
        text: str,
        *,
        who: Principal = MAYA,
        capabilities: Any = None,
        path: str = "/mcp",
        **more: Any,
    ) -> httpx.Response:
        params = mcp.stateless_params(
            {"name": name, "arguments": {"text": text}, **more},
            CLIENT,
            capabilities=FORMS if capabilities is None else capabilities,
        )
        headers = stateless(self.gate, who, "tools/call", name)
        return await post(self.gate, mcp.request("tools/call", params), headers, path)

    async def events(self, type: str) -> list[dict[str, Any]]:
        return await self.gate.audited(type)


def yes(asked: dict[str, Any], action: str = "accept", **content: Any) -> dict[str, Any]:
    """The answer to a question, as the next leg carries it."""
    return {
        "requestState": asked["requestState"],
        "inputResponses": {"approval": {"action": action, "content": content}},
    }


def question(asked: dict[str, Any]) -> dict[str, Any]:
    assert asked["resultType"] == "input_required", asked
    assert list(asked["inputRequests"]) == ["approval"]
    return asked["inputRequests"]["approval"]["params"]


def code_of(result: dict[str, Any]) -> str:
    assert result.get("isError"), result
    return result["_meta"][mcp.ERROR_META]["code"]


def _told(result: Any) -> dict[str, Any]:
    return result.meta[mcp.ERROR_META]


@dataclass
class Person:
    """Sits before a client of the SDK: reads what is asked, and answers as told."""

    action: str = "accept"
    content: dict[str, Any] | None = None
    asked: list[Any] = field(default_factory=list[Any])

    async def elicit(self, context: Any, params: Any) -> types.ElicitResult:
        self.asked.append(params)
        given: Any = self.content
        if given is None and params.requested_schema["properties"].keys() == {"why"}:
            given = {"why": "because"}
        action: Any = self.action
        return types.ElicitResult(action=action, content=given or {})


@pytest.fixture
async def desk(tmp_path: Path, redis: Redis, index: Index) -> AsyncIterator[Desk]:
    echo = Echo(lists=[definition(name) for name in NAMES], answers=asking)
    registry = registry_of([server(*files(), name="files")])
    async with running_gateway(
        tmp_path, redis, index, registry=registry, apps={"echo": echo}, settings=SETTINGS
    ) as gate:
        yield Desk(gate, echo)


async def adopt(desk: Desk, **policies: RegisteredTool) -> None:
    """The admin changes the policy, and the gateway takes it over."""
    desk.gate.platform.current = registry_of([server(*files(**policies), name="files")])
    await desk.gate.gateway.holder.refresh()


# --- clients that can ask


@ERAS
@pytest.mark.proves("GOV-501")
async def test_a_risky_call_is_made_after_a_yes_and_never_after_a_no(desk: Desk, mode: str) -> None:
    agreeing, refusing, leaving = Person(), Person("decline"), Person("cancel")
    for person in (agreeing, refusing, leaving):
        async with desk.gate.client(MAYA, mode, elicitation_callback=person.elicit) as client:
            result = await client.call_tool("files.remove", {"text": f"by {person.action}"})
            assert result.is_error == (person.action != "accept")

    assert desk.made == ["by accept"]
    assert [len(person.asked) for person in (agreeing, refusing, leaving)] == [1, 1, 1]
    message = agreeing.asked[0].message
    assert '"text": "by accept"' in message
    assert "files.remove" in message
    assert "destructive" in message


@ERAS
@pytest.mark.proves("GOV-501")
async def test_what_only_reads_is_never_asked_about(desk: Desk, mode: str) -> None:
    person = Person("decline")
    async with desk.gate.client(MAYA, mode, elicitation_callback=person.elicit) as client:
        assert not (await client.call_tool("files.read", {"text": "x"})).is_error
    assert person.asked == []
    assert await desk.events("approval.requested") == []


@ERAS
@pytest.mark.proves("GOV-505")
async def test_a_tool_that_asks_itself_is_approved_once_and_then_asks(desk: Desk, mode: str) -> None:
    person = Person()
    async with desk.gate.client(MAYA, mode, elicitation_callback=person.elicit) as client:
        result = await client.call_tool("files.wipe", {"text": "disk"})

    assert not result.is_error, result
    asked = [params.message.splitlines()[0] for params in person.asked]
    assert asked == ["Allow this call?", "Why, one?", "Why, two?"]
    rounds = [call.message["params"].get("requestState") for call in desk.server.calls]
    assert rounds == [None, "one", "two"]
    answers = [call.message["params"].get("inputResponses") for call in desk.server.calls]
    assert answers[0] is None
    assert answers[1] == {"why": {"action": "accept", "content": {"why": "because"}}}
    assert len(await desk.events("approval.requested")) == 1


@pytest.mark.proves("GOV-501")
async def test_arguments_that_do_not_fit_are_refused_before_anybody_is_asked(desk: Desk) -> None:
    assert code_of(await desk.call(text="x" * 50)) == "invalid_arguments"
    assert await desk.events("approval.requested") == []


@pytest.mark.proves("GOV-501")
async def test_the_question_says_all_that_a_channel_needs(desk: Desk) -> None:
    asked = question(await desk.call("files.write", "a\u202eb"))
    about = asked["_meta"]["switchboard/approval"]

    assert asked["_meta"]["switchboard/kind"] == "approval"
    assert (about["tool"], about["server"], about["risk"]) == ("files.write", "files", "write")
    assert json.loads(about["arguments"]) == {"text": "a\u202eb"}
    assert "\u202e" not in json.dumps(asked, ensure_ascii=False)
    # of no session: nothing could be remembered
    assert asked["requestedSchema"] == {"type": "object", "properties": {}}


# --- remembering


@pytest.mark.proves("GOV-506")
async def test_a_yes_may_be_remembered_for_this_tool_in_this_session(desk: Desk) -> None:
    person = Person(content={"remember": True})
    async with desk.gate.client(MAYA, "legacy", elicitation_callback=person.elicit) as client:
        for text in ("one", "two", "three"):
            assert not (await client.call_tool("files.write", {"text": text})).is_error
    assert len(person.asked) == 1
    async with desk.gate.client(MAYA, "legacy", elicitation_callback=person.elicit) as client:
        await client.call_tool("files.write", {"text": "another session"})
    assert len(person.asked) == 2
    assert len(desk.made) == 4


async def remembered(desk: Desk, who: Principal, forget: str | None = None, **headers: str) -> Remembered:
    """As the platform asks for this person."""
    asked = AskRemembered(organisation_id=who.organisation_id, user_id=who.id, forget=forget)
    sent = {"authorization": f"Bearer {desk.gate.token(PLATFORM)}"} | headers
    async with httpx.AsyncClient(trust_env=False) as client:
        url = f"{desk.gate.url}/internal/v1/approvals"
        answer = await client.post(url, content=asked.model_dump_json(), headers=sent)
    assert answer.status_code == 200, answer.text
    return Remembered.model_validate_json(answer.content)


@pytest.mark.proves("GOV-515")
async def test_what_is_remembered_can_be_seen_and_withdrawn_by_that_person_alone(desk: Desk) -> None:
    person = Person(content={"remember": True})
    async with desk.gate.client(MAYA, "legacy", elicitation_callback=person.elicit) as client:
        await client.call_tool("files.write", {"text": "one"})
        [kept] = (await remembered(desk, MAYA)).items
        assert (kept.tool, kept.server, kept.session_id) == ("files.write", "files", None)
        assert kept.expires_at - kept.remembered_at == timedelta(hours=8)

        elsewhere = replace(MAYA, organisation_id=uuid4())
        for other in (TOM, elsewhere):
            assert await remembered(desk, other, forget=kept.id) == Remembered(items=[])
        await client.call_tool("files.write", {"text": "two"})
        assert len(person.asked) == 1

        assert await remembered(desk, MAYA, forget=kept.id) == Remembered(items=[], forgotten=True)
        assert (await remembered(desk, MAYA, forget=kept.id)).forgotten is False
        await client.call_tool("files.write", {"text": "three"})
        assert len(person.asked) == 2


@pytest.mark.proves("GOV-515")
async def test_only_the_platform_itself_asks_what_is_remembered(desk: Desk) -> None:
    for token in (desk.gate.token(MAYA), "none"):
        with pytest.raises(AssertionError, match=r"401|unauthenticated"):
            await remembered(desk, MAYA, authorization=f"Bearer {token}")


@pytest.mark.proves("GOV-506")
async def test_what_destroys_is_asked_about_each_time(desk: Desk) -> None:
    person = Person(content={"remember": True})
    policy = Approval(mode="ask", remember=True)
    await adopt(desk, remove=tool("files.remove", risk="destructive", approval=policy))
    async with desk.gate.client(MAYA, "legacy", elicitation_callback=person.elicit) as client:
        refused = await client.call_tool("files.remove", {"text": "one"})
        person.content = {}
        for _ in range(2):
            assert not (await client.call_tool("files.remove", {"text": "one"})).is_error

    assert refused.is_error
    assert len(person.asked) == 3
    assert "remember" not in json.dumps(person.asked[0].requested_schema)


@pytest.mark.proves("GOV-506")
async def test_a_changed_policy_or_definition_forgets_what_was_remembered(desk: Desk) -> None:
    person = Person(content={"remember": True})
    changed = definition("files.write", description="Writes elsewhere.")
    hashed = mcp.definition_hash(changed)
    longer = Approval(mode="ask", remember=True, expires_s=700)
    policies = (
        tool("files.write", risk="write", approval=longer),
        tool("files.write", risk="write").model_copy(
            update={"definition": changed, "definition_hash": hashed}
        ),
    )
    async with desk.gate.client(MAYA, "legacy", elicitation_callback=person.elicit) as client:
        await client.call_tool("files.write", {"text": "one"})
        for times, policy in enumerate(policies, start=2):
            desk.server.lists = [definition(name) for name in NAMES if name != "files.write"]
            desk.server.lists.append(policy.definition)
            await adopt(desk, write=policy)
            await client.call_tool("files.write", {"text": "one"})
            assert len(person.asked) == times


# --- clients that cannot ask


BARE = pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])


@BARE
@pytest.mark.proves("GOV-503")
async def test_a_client_that_cannot_ask_is_told_where_and_passes_once(desk: Desk, mode: str) -> None:
    shots = desk.gate.platform.one_shots
    async with desk.gate.client(MAYA, mode) as client:
        waits = await client.call_tool("files.remove", {"text": "all"})
        again = await client.call_tool("files.remove", {"text": "all"})
        other = await client.call_tool("files.remove", {"text": "other"})
        assert len(shots.opened) == 2
        shots.answer(next(iter(shots.opened)), "accept")
        assert not (await client.call_tool("files.remove", {"text": "all"})).is_error
        after = await client.call_tool("files.remove", {"text": "all"})

    assert desk.made == ["all"]
    assert all(result.is_error for result in (waits, again, other, after))
    first = next(iter(shots.opened))
    told = [_told(result) for result in (waits, again, after)]
    assert [one["code"] for one in told] == ["approval_pending"] * 3
    assert (
        told[0]["interaction"]
        == told[1]["interaction"]
        == {"id": first, "url": f"/api/v1/interactions/{first}"}
    )
    assert told[2]["interaction"]["id"] != first
    assert first in str(waits.content)
    wanted = shots.opened[first]
    assert (wanted.arguments, wanted.tool) == ({"text": "all"}, "files.remove")
    assert '"text": "all"' in wanted.message


@BARE
@pytest.mark.proves("GOV-503")
async def test_somebody_elses_answer_is_not_mine(desk: Desk, mode: str) -> None:
    shots = desk.gate.platform.one_shots
    async with desk.gate.client(MAYA, mode) as client:
        await client.call_tool("files.remove", {"text": "all"})
    shots.answer(shots.last, "accept")
    async with desk.gate.client(TOM, mode) as client:
        assert (await client.call_tool("files.remove", {"text": "all"})).is_error
    assert desk.made == []


@pytest.mark.proves("GOV-503")
async def test_a_stored_no_stays_one_and_a_late_answer_is_too_late(desk: Desk) -> None:
    shots = desk.gate.platform.one_shots
    shots.clock = desk.gate.clock
    assert code_of(await desk.call(capabilities={})) == "approval_pending"
    shots.answer(shots.last, "decline")
    for _ in range(2):
        assert code_of(await desk.call(capabilities={})) == "approval_declined"
    assert code_of(await desk.call(text="other", capabilities={})) == "approval_pending"
    desk.gate.clock.move(seconds=601)
    assert code_of(await desk.call(text="other", capabilities={})) == "approval_expired"
    assert code_of(await desk.call(text="other", capabilities={})) == "approval_pending"
    assert len(shots.opened) == 3
    assert desk.made == []


# --- a second person

SECOND = Approval(mode="second_person", approvers=["OrgAdmin"])
WAITS: dict[str, Any] = {"elicitation": {"form": {}}, "experimental": {"switchboard/waits": {}}}


@pytest.mark.proves("GOV-504")
async def test_a_second_person_answers_where_the_platform_asks_and_never_the_caller(desk: Desk) -> None:
    await adopt(desk, remove=tool("files.remove", risk="destructive", approval=SECOND))
    shots = desk.gate.platform.one_shots
    unable: dict[str, Any] = {}
    for capabilities in (unable, FORMS):
        assert code_of(await desk.call(capabilities=capabilities)) == "approval_pending"
    assert [wanted.second_person for wanted in shots.opened.values()] == [True]
    assert shots.opened[shots.last].approvers == ["OrgAdmin"]
    shots.answer(shots.last, "accept")
    assert not (await desk.call()).get("isError")
    assert code_of(await desk.call()) == "approval_pending"
    assert desk.made == ["all"]


@pytest.mark.proves("GOV-504")
async def test_a_client_that_waits_goes_on_once_the_second_person_agreed(desk: Desk) -> None:
    await adopt(desk, remove=tool("files.remove", risk="destructive", approval=SECOND))
    shots = desk.gate.platform.one_shots
    asked = await desk.call(capabilities=WAITS)
    meta = question(asked)["_meta"]
    assert meta["switchboard/interaction"] == shots.last
    assert meta["switchboard/approval"]["second_person"] is True
    # its own word counts for nothing
    assert code_of(await desk.call(capabilities=WAITS, **yes(asked))) == "approval_pending"
    shots.answer(shots.last, "accept")
    assert not (await desk.call(capabilities=WAITS, **yes(asked))).get("isError")
    assert code_of(await desk.call(capabilities=WAITS, **yes(asked))) == "approval_used"
    assert desk.made == ["all"]


# --- records


@pytest.mark.proves("GOV-507")
async def test_every_question_answer_and_refusal_is_on_record_without_values(desk: Desk) -> None:
    before = {name: _counted(name) for name in ("asked", "accepted", "declined", "replayed", "refused")}
    asked = await desk.call(text="secret-text")
    await desk.call(text="secret-text", **yes(asked))
    await desk.call(text="secret-text", **yes(asked))
    declined = await desk.call(text="secret-text")
    await desk.call(text="secret-text", **yes(declined, "decline"))
    await desk.call(text="swapped", **yes(asked))

    [first, _] = await desk.events("approval.requested")
    answers = await desk.events("approval.answered")
    refusals = await desk.events("approval.refused")
    assert [one["action"] for one in answers] == ["accept", "decline"]
    assert [one["reason"] for one in refusals] == ["used", "arguments"]
    assert answers[0]["one_shot"] == refusals[0]["one_shot"] == first["one_shot"]
    assert first["arguments"]["fields"] == ["text"]
    everything = [event.model_dump_json() for event in desk.gate.platform.events_taken.values()]
    assert not any("secret-text" in event for event in everything)
    made = {name: _counted(name) - times for name, times in before.items()}
    assert made == {"asked": 2, "accepted": 1, "declined": 1, "replayed": 1, "refused": 1}


def _counted(outcome: str) -> float:
    labels = {"server": "files", "outcome": outcome}
    return REGISTRY.get_sample_value("switchboard_gateway_approvals_total", labels) or 0


@pytest.mark.proves("GOV-508")
async def test_a_person_who_thinks_uses_up_no_limit_and_no_place(
    tmp_path: Path, redis: Redis, index: Index
) -> None:
    echo = Echo(lists=[definition(name) for name in NAMES], answers=asking)
    quick = [given.model_copy(update={"timeout_s": 5.0, "calls_per_min": 2}) for given in files()]
    registry = registry_of([server(*quick, name="files")])
    few = SETTINGS.model_copy(update={"server_calls_at_once": 1, "user_calls_at_once": 1})
    async with running_gateway(
        tmp_path, redis, index, registry=registry, apps={"echo": echo}, settings=few
    ) as gate:
        desk, release = Desk(gate, echo), asyncio.Event()
        person = Person()

        async def elicit(context: Any, params: Any) -> types.ElicitResult:
            await release.wait()
            return await person.elicit(context, params)

        async with gate.client(MAYA, "legacy", elicitation_callback=elicit) as client:
            waiting = asyncio.create_task(client.call_tool("files.remove", {"text": "one"}))
            # the one place of the server and of the person is free meanwhile
            assert not (await desk.call("files.read", "x")).get("isError")
            for _ in range(4):
                question(await desk.call("files.remove", "asked only"))
            release.set()
            assert not (await waiting).is_error
            assert not (await client.call_tool("files.remove", {"text": "two"})).is_error
    assert desk.made == ["x", "one", "two"]


@pytest.mark.proves("GOV-508")
async def test_questions_have_a_limit_of_their_own(tmp_path: Path, redis: Redis, index: Index) -> None:
    echo = Echo(lists=[definition(name) for name in NAMES])
    registry = registry_of([server(*files(), name="files")])
    few = SETTINGS.model_copy(update={"approvals_per_min": 3})
    async with running_gateway(
        tmp_path, redis, index, registry=registry, apps={"echo": echo}, settings=few
    ) as gate:
        desk = Desk(gate, echo)
        outcomes = [await desk.call(text=str(number), capabilities={}) for number in range(5)]
        assert [code_of(one) for one in outcomes] == ["approval_pending"] * 3 + ["too_many_approvals"] * 2
        assert len(gate.platform.one_shots.opened) == 3
        question(await desk.call(who=TOM))
