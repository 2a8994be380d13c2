"""What a tool asks, at the terminal: typed lines in, what a person sees out."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from switchboard_sdk import Switchboard

from bot.console import questions
from bot.console.app import Chat, Terminal
from bot.console.parse import Command, parse
from bot.core.asking import Field, NotUnderstood, Option, fields_of, understood
from kit.wire.interactions import Form, Interaction
from tests import scripted_platform as say
from tests.scripted_platform import Answer, ScriptedPlatform, Stream, sse

ID = UUID("00000000-0000-4000-8000-0000000000aa")
HERE = f"/api/v1/interactions/{ID}"
RESPOND = f"{HERE}/respond"
Asks = Callable[..., None]
NEXT = UUID("00000000-0000-4000-8000-0000000000bb")
FIELDS = {
    "name": {"type": "string", "title": "Your name", "description": "As on your badge."},
    "room": {
        "type": "string",
        "title": "Room",
        "oneOf": [{"const": "r1", "title": "Big"}, {"const": "r2", "title": "Small"}],
    },
    "extras": {
        "type": "array",
        "title": "Extras",
        "items": {
            "type": "string",
            "anyOf": [{"const": "b", "title": "Beamer"}, {"const": "c", "title": "Coffee"}],
        },
    },
    "people": {"type": "integer", "title": "People", "default": 4},
    "day": {"type": "string", "format": "date", "title": "Day"},
    "catering": {"type": "boolean", "title": "Catering", "default": False},
}
SCHEMA = {"type": "object", "properties": FIELDS, "required": ["name", "room", "day"]}


def interaction(kind: str = "form", **changes: Any) -> dict[str, Any]:
    form = {"key": "q", "message": "Which room?", "requested_schema": SCHEMA, "tool": "rooms.book"}
    return {
        "id": str(ID),
        "kind": kind,
        "status": "open",
        "title": "rooms.book asks you",
        "forms": [form | changes.pop("form", {})],
        "tool": "rooms.book",
        "created_at": say.NOW,
        "expires_at": "2099-11-21T10:00:00Z",
        **changes,
    }


class Person:
    """Types these lines, one per prompt; None is Esc. Remembers what was asked."""

    def __init__(self, lines: Iterable[str | None]) -> None:
        self.lines = iter(lines)
        self.prompts: list[str] = []

    async def __call__(self, prompt: str) -> str | None:
        self.prompts.append(prompt)
        try:
            return next(self.lines)
        except StopIteration:
            await asyncio.Event().wait()
            raise AssertionError from None


@pytest.fixture
async def elsewhere() -> AsyncIterator[asyncio.Event]:
    """Set when the question is answered in another channel; at the end of the test in any case."""
    event = asyncio.Event()
    yield event
    event.set()


@pytest.fixture
def asks(platform: ScriptedPlatform, elsewhere: asyncio.Event) -> Asks:
    """`asks(question, result)`: the tool asks this, and says that once it was answered."""

    def ask(given: dict[str, Any], result: str = "Booked.") -> None:
        outcome = {"is_error": False, "content": [{"type": "text", "text": result}]}
        ended = {**given, "status": "answered", "settled": True, "result": outcome}
        # The first one who looks waits for what happens elsewhere, the second one for the result.
        platform.on("GET", HERE, Answer(ended, after=elsewhere), Answer(ended))
        platform.on("GET", "/api/v1/tools", Answer({"items": []}))
        platform.on("POST", "/api/v1/tools/rooms.book/invoke", Answer({"interaction": given}, 202))
        platform.on("POST", RESPOND, Answer({"interaction_id": str(ID), "status": "answered"}, 202))

    return ask


async def call(client: Switchboard, *lines: str | None) -> tuple[str, Person]:
    """`/call rooms.book`, and these lines for what is asked."""
    person, out = Person(lines), io.StringIO()
    await Chat(client, Terminal(out), read=person).take(parse("/call rooms.book"))
    return out.getvalue(), person


def responses(platform: ScriptedPlatform) -> list[Any]:
    return [json.loads(seen.body) for seen in platform.requests("POST", RESPOND)]


@pytest.mark.proves("GOV-405")
async def test_a_form_is_asked_field_by_field_and_its_result_is_shown(
    client: Switchboard, platform: ScriptedPlatform, asks: Asks
) -> None:
    asks(interaction())
    told, person = await call(client, "Maya", "2", "1, coffee", "", "2026-12-01", "yes")
    assert person.prompts == [
        "  Your name: ",
        "  Room (number): ",
        "  Extras (numbers, with commas, optional): ",
        "  People (whole number, optional) [4]: ",
        "  Day (YYYY-MM-DD): ",
        "  Catering (yes/no, optional) [no]: ",
    ]
    filled = {"name": "Maya", "room": "r2", "extras": ["b", "c"], "people": 4, "day": "2026-12-01"}
    assert responses(platform) == [{"action": "accept", "content": filled | {"catering": True}}]
    assert "rooms.book asks you" in told
    assert "  │ Which room?" in told
    assert "    1) Big\n    2) Small" in told
    assert told.rstrip().endswith("Booked.")


@pytest.mark.proves("GOV-405")
async def test_what_is_wrong_is_said_at_once_and_asked_again(
    client: Switchboard, platform: ScriptedPlatform, asks: Asks
) -> None:
    asks(interaction())
    told, _ = await call(
        client, "", "Maya", "9", "1", "", "many", "3", "tomorrow", "2026-12-01", "perhaps", "n"
    )
    for sentence in (
        "Please fill this in.",
        "Please choose by number, 1 to 2.",
        "Please write a number, such as 12.",
        "Please write the date as 2026-07-28.",
        "Please answer yes or no.",
    ):
        assert sentence in told
    assert len(responses(platform)) == 1


@pytest.mark.proves("GOV-405")
async def test_what_the_platform_finds_wrong_lands_on_its_field(
    client: Switchboard, platform: ScriptedPlatform, asks: Asks
) -> None:
    asks(interaction())
    wrong = say.problem(422, "answer_invalid") | {
        "errors": [{"field": "people", "message": "Too many: at most 8."}]
    }
    done = {"interaction_id": str(ID), "status": "answered"}
    platform.on("POST", RESPOND, Answer(wrong, 422), Answer(done, 202))
    told, person = await call(client, "Maya", "1", "", "99", "2026-12-01", "", "8")
    assert "Too many: at most 8." in told
    assert person.prompts[-1].startswith("  People")
    assert [one["content"]["people"] for one in responses(platform)] == [99, 8]
    assert responses(platform)[1]["content"]["name"] == "Maya"


@pytest.mark.parametrize(("line", "action"), [(None, "cancel"), ("/no", "decline"), ("/cancel", "cancel")])
async def test_a_person_may_decline_or_leave(
    client: Switchboard, platform: ScriptedPlatform, asks: Asks, line: str | None, action: str
) -> None:
    asks(interaction())
    await call(client, "Maya", line)
    assert responses(platform) == [{"action": action, "content": {}}]


async def test_a_question_may_be_left_for_later_and_answered_from_the_list(
    client: Switchboard, platform: ScriptedPlatform, asks: Asks
) -> None:
    asks(interaction("approval", form={"requested_schema": {}, "message": "Allow?"}))
    told, _ = await call(client, "/later")
    assert "It stays open; /pending shows it." in told
    assert responses(platform) == []
    one = interaction("approval", form={"requested_schema": {}, "message": "Allow?"})
    asks(one)
    platform.on("GET", "/api/v1/interactions", Answer({"items": [one]}))
    person, out = Person(["yes"]), io.StringIO()
    chat = Chat(client, Terminal(out), read=person)
    await chat.take(parse("/pending"))
    await chat.take(parse("/pending 1"))
    assert "  1  rooms.book asks you · until" in out.getvalue()
    assert responses(platform) == [{"action": "accept", "content": {}}]


@pytest.mark.proves("GOV-405")
async def test_an_approval_shows_all_arguments_and_takes_only_a_yes(
    client: Switchboard, platform: ScriptedPlatform, asks: Asks
) -> None:
    arguments = {"path": "/srv\u202egnp.exe", "text": "x" * 5000}
    long = "Allow this call?\nTool: files.remove\n" + "x" * 4000
    asks(interaction("approval", form={"requested_schema": {}, "message": long, "arguments": arguments}))
    told, person = await call(client, "", "maybe", "no")
    assert person.prompts == ["  Allow it? (yes/no) "] * 3
    assert responses(platform) == [{"action": "decline", "content": {}}]
    assert "\\u202egnp.exe" in told
    assert "\u202e" not in told
    assert "x" * 5000 in told
    assert told.endswith("Declined.\nIt was not called.\n")
    assert "[brackets]" not in told


@pytest.mark.proves("GOV-405")
async def test_ones_own_answer_is_not_told_as_somebody_elses(
    client: Switchboard, platform: ScriptedPlatform, asks: Asks, elsewhere: asyncio.Event
) -> None:
    """The platform tells whoever watches that it is answered before it has said so to who answered."""
    asks(interaction("approval", form={"requested_schema": {}}))
    told_watchers = asyncio.Event()
    done = {"interaction_id": str(ID), "status": "answered"}
    platform.on("POST", RESPOND, Answer(done, 202, after=told_watchers))
    out, person = io.StringIO(), Person(["yes"])
    calling = asyncio.create_task(Chat(client, Terminal(out), read=person).take(parse("/call rooms.book")))
    async with asyncio.timeout(20):
        while not responses(platform):
            await asyncio.sleep(0.01)
        elsewhere.set()
        # the one who watches has read that it is answered: a new question is asked after it
        await client.interactions.get(ID)
        told_watchers.set()
        await calling
    assert "elsewhere" not in out.getvalue()
    assert out.getvalue().endswith("Answered.\nBooked.\n")


@pytest.mark.proves("GOV-405")
@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("expired", "The time to answer this is over. Nothing was done."),
        ("cancelled", "This question was withdrawn."),
    ],
)
async def test_a_question_that_ends_while_the_terminal_waits_says_how(
    client: Switchboard,
    platform: ScriptedPlatform,
    asks: Asks,
    elsewhere: asyncio.Event,
    status: str,
    told: str,
) -> None:
    given = interaction()
    asks(given)
    ended = {**given, "status": status, "settled": True}
    platform.on("GET", HERE, Answer(ended, after=elsewhere), Answer(ended))

    class Waits(Person):
        async def __call__(self, prompt: str) -> str | None:
            elsewhere.set()
            return await super().__call__(prompt)

    out = io.StringIO()
    await Chat(client, Terminal(out), read=Waits(())).take(parse("/call rooms.book"))
    assert out.getvalue().endswith(f"\n{told}\n")
    assert responses(platform) == []


@pytest.mark.parametrize(("days", "shown"), [(0, "Open until "), (3, "Open until 20")])
def test_a_question_of_another_day_says_which(days: int, shown: str) -> None:
    end = datetime.now().astimezone().replace(hour=23, minute=59) + timedelta(days=days)
    heading = questions.heading(Interaction.model_validate(interaction(expires_at=end.isoformat())))
    assert shown in heading
    assert (f"{end:%Y-%m-%d}" in heading) is (days > 0)


@pytest.mark.proves("GOV-405")
async def test_a_page_to_open_is_shown_whole_and_connecting_elsewhere_is_noticed(
    client: Switchboard, platform: ScriptedPlatform, asks: Asks, elsewhere: asyncio.Event
) -> None:
    page = "https://login.example/authorize?client_id=x&state=" + "s" * 200
    asks(interaction("connect_account", form={"requested_schema": {}, "url": page}))

    class Waits(Person):
        async def __call__(self, prompt: str) -> str | None:
            elsewhere.set()
            return await super().__call__(prompt)

    out = io.StringIO()
    await Chat(client, Terminal(out), read=Waits(())).take(parse("/call rooms.book"))
    assert f"\n{page}\n" in out.getvalue()
    assert "This was answered elsewhere.\nBooked.\n" in out.getvalue()
    assert responses(platform) == []


async def test_in_a_pipe_it_is_said_how_to_answer(client: Switchboard, platform: ScriptedPlatform) -> None:
    event = {
        "type": "interaction.requested",
        "turn_id": str(say.TURN),
        "seq": 2,
        "interaction_id": str(ID),
        "kind": "form",
        "form": {"title": "rooms.book asks you", "forms": interaction()["forms"]},
        "expires_at": "2099-11-21T10:00:00Z",
    }
    platform.on("POST", "/api/v1/chat/stream", Stream([sse(say.started()), sse(event)]))
    out = io.StringIO()
    await Chat(client, Terminal(out)).ask("Book a room.")
    assert f"switchboard answer {ID} field=value" in out.getvalue()
    assert "Room (number)  →  room=…" in out.getvalue()


async def test_an_answer_in_a_conversation_goes_on_with_it(
    client: Switchboard, platform: ScriptedPlatform, asks: Asks
) -> None:
    event = {
        "type": "interaction.requested",
        "turn_id": str(say.TURN),
        "seq": 2,
        "interaction_id": str(ID),
        "kind": "form",
        "form": {"title": "rooms.book asks you", "forms": interaction()["forms"]},
        "expires_at": "2099-11-21T10:00:00Z",
    }
    given = interaction(session_id=str(say.SESSION), form={"requested_schema": {}})
    asks(given)
    platform.on("GET", HERE, Answer(given), Answer(given, after=asyncio.Event()))
    platform.on("POST", "/api/v1/chat/stream", Stream([sse(say.started()), sse(event)]))
    done = {"interaction_id": str(ID), "status": "answered", "turn_id": str(NEXT)}
    platform.on("POST", RESPOND, Answer(done, 202))
    stream = f"/api/v1/sessions/{say.SESSION}/turns/{NEXT}/stream"
    platform.on(
        "GET", stream, Stream([sse(say.delta(2, "It is booked.")), sse(say.completed(3, "It is booked."))])
    )
    out = io.StringIO()
    await Chat(client, Terminal(out), read=Person([""])).take(parse("Book a room."))
    assert "Answered.\nIt is booked.\n" in out.getvalue()


async def test_tools_are_listed_and_called_with_typed_arguments(
    client: Switchboard, platform: ScriptedPlatform
) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}, "code": {"type": "string"}}}
    tool = {
        "name": "count",
        "title": "",
        "description": "Counts.",
        "server": "s",
        "risk": "read",
        "input_schema": schema,
    }
    platform.on("GET", "/api/v1/tools", Answer({"items": [tool]}))
    result = {"is_error": False, "content": [{"type": "text", "text": "three\u001b[2J"}]}
    platform.on("POST", "/api/v1/tools/count/invoke", Answer(result))
    out = io.StringIO()
    chat = Chat(client, Terminal(out))
    await chat.take(parse("/tools"))
    await chat.take(parse('/call count n=3 code=007 about="two words"'))
    await chat.take(parse("/call count three"))
    sent = json.loads(platform.requests("POST", "/api/v1/tools/count/invoke")[0].body)
    assert sent == {"arguments": {"n": 3, "code": "007", "about": "two words"}}
    assert "count  read         Counts." in out.getvalue()
    assert "three\ufffd[2J" in out.getvalue()
    assert "as name=value" in out.getvalue()


def test_options_are_meant_by_number_title_or_value() -> None:
    field = Field("room", "Room", "one_of", True, options=(Option("r1", "Big"), Option("2", "Small")))
    assert [understood(field, typed) for typed in ("1", "big", "R1", "small", "2")] == [
        "r1",
        "r1",
        "r1",
        "2",
        "2",
    ]
    with pytest.raises(NotUnderstood):
        understood(field, "3")


def test_every_kind_of_field_is_known() -> None:
    form = Form(key="q", message="", requested_schema=SCHEMA)
    kinds = [field.kind for field in fields_of(form)]
    assert kinds == ["text", "one_of", "some_of", "integer", "date", "yes_no"]


def test_commands_keep_what_stands_behind_them() -> None:
    assert parse("/call a.b {}") == Command("call", "a.b {}")
    assert parse("/pending 2") == Command("pending", "2")


CONSENT = (
    "I agree that my details are used to arrange and carry out this meeting, and for the e-mails about it."
)


def again(**wrong: str) -> dict[str, Any]:
    """A booking form that comes again: what was given is its defaults, what was wrong says so."""
    fields: dict[str, Any] = {
        "email": {"type": "string", "title": "E-mail", "default": "maya@example"},
        "topic": {"type": "string", "title": "Topic", "default": "ACE"},
        "phone": {"type": "string", "title": "Phone"},
        "consent": {"type": "boolean", "title": CONSENT, "default": False},
    }
    for name, told in wrong.items():
        fields[name]["description"] = f"Please correct this: {told}"
    schema = {"type": "object", "properties": fields, "required": ["email", "topic", "consent"]}
    return interaction(form={"message": "To book it, I need this.", "requested_schema": schema})


async def test_a_form_that_comes_again_asks_only_what_was_wrong_and_shows_the_rest(
    client: Switchboard, platform: ScriptedPlatform, asks: Asks
) -> None:
    asks(again(email="This is not an e-mail address."))
    told, person = await call(client, "maya@example.com", "yes")
    assert person.prompts == ["  E-mail [maya@example]: ", "  Your answer (yes/no): "]
    assert "Please correct this: This is not an e-mail address." in told
    assert "As before: Topic: ACE" in told
    (response,) = responses(platform)
    assert response["content"] == {"email": "maya@example.com", "topic": "ACE", "consent": True}


async def test_nobody_agrees_by_pressing_enter(
    client: Switchboard, platform: ScriptedPlatform, asks: Asks
) -> None:
    asks(again())
    told, person = await call(client, "", "", "", "", "yes")
    assert person.prompts[-2:] == ["  Your answer (yes/no): "] * 2
    assert "Please answer yes or no." in told
    assert " ".join(CONSENT.split()) in " ".join(told.split())
    assert responses(platform)[0]["content"]["consent"] is True
