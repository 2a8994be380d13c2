"""The faults that a turn in Teams may meet, and the places where it meets them.

A fault asks the question itself, since many are about how the question comes. `ending` is what the one final
message is to be: the answer, a sentence about the trouble, or a refusal.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from tests.scripted_platform import Answer, failed, problem, sse, started, status
from tests.slack.wire import Cut, Held, Spoken, said
from tests.teams.office import QUESTION, Office, running
from tests.teams.simulator import GLOBEX, Call, Chat, Person, Said, Stream

Place = Literal["1:1", "group", "channel"]
PLACES: Final[tuple[Place, ...]] = ("1:1", "group", "channel")
Ending = Literal["answer", "trouble", "refusal"]
ASK: Final = ("POST", "/api/v1/chat/stream")
HALVES: Final = (
    "Full-time staff earn 20 days of annual leave. [1] ",
    "Ask your team lead before you book. ",
    "That is all. ",
    "Have a good day.",
)
ANSWERED: Final = "20 days"
Meet = Callable[[Office, Place], Awaitable[Said]]


@dataclass(frozen=True, slots=True)
class Fault:
    name: str
    meet: Meet
    ending: Ending = "answer"
    questions: int = 1
    """How many were asked; each has its own final message."""
    parts: bool = False
    """A long answer, in several messages."""
    quick: bool = False
    """Runs in the quick suite, too."""
    undecidable: tuple[Place, ...] = ()
    """Where nobody can know whether the message stands there: said twice rather than never."""


def chat_of(office: Office, place: Place) -> Chat:
    return {"1:1": office.own, "group": office.group, "channel": office.channel}[place]


async def ask(office: Office, place: Place, text: str = QUESTION, by: Person | None = None) -> Said:
    return await office.teams.say(by or office.maya, chat_of(office, place), text)


def slowly(office: Office, pause_s: float = 0.55) -> None:
    """The next answer comes in pieces with pauses, so that it is streamed."""
    office.wire.on(*ASK, said(*HALVES, pause_s=pause_s))


def with_teams(call: Call | Literal["*"], times: int = 1, **fault: Any) -> Meet:
    """A fault of the connector while an answer is streamed in pieces."""

    async def meet(office: Office, place: Place) -> Said:
        slowly(office)
        office.teams.fail(call, times, **fault)
        return await ask(office, place)

    return meet


def at_once(call: Call, times: int = 1, **fault: Any) -> Meet:
    """A fault of the connector where the answer is there at once."""

    async def meet(office: Office, place: Place) -> Said:
        office.teams.fail(call, times, **fault)
        return await ask(office, place)

    return meet


def with_platform(step: Answer | Spoken | Cut, times: int = 1) -> Meet:
    async def meet(office: Office, place: Place) -> Said:
        office.wire.on(*ASK, *[step] * times)
        return await ask(office, place)

    return meet


async def undisturbed(office: Office, place: Place) -> Said:
    return await ask(office, place)


async def in_pieces(office: Office, place: Place) -> Said:
    slowly(office)
    return await ask(office, place)


async def delivered_three_times(office: Office, place: Place) -> Said:
    slowly(office)
    asked = await ask(office, place)
    await asyncio.gather(*(office.teams.deliver(asked.activity) for _ in range(2)))
    await office.bot.idle()
    await office.teams.deliver(asked.activity)
    return asked


async def retried_out_of_order(office: Office, place: Place) -> Said:
    """The next question comes first, then the first one once more."""
    first = await ask(office, place)
    await office.teams.say(office.maya, first.chat, "Who may travel?")
    await office.teams.deliver(first.activity)
    return first


async def burst(office: Office, place: Place) -> Said:
    """Five at once in one conversation: answered one after the other."""
    first = await ask(office, place)
    for text in ("How much sick leave?", "How long is parental leave?", "What may I carry over?", QUESTION):
        await office.teams.say(office.maya, first.chat, text)
    return first


async def streams(office: Office, asked: Said) -> Stream | None:
    """The one that shows some text, in a 1:1 chat."""
    if asked.chat.kind != "personal":
        await office.wire.reached(*ASK)
        return None
    await office.teams.until(lambda: office.teams.answers(asked), "some text")
    # Where another one is still open there, there is none of our own.
    return office.teams.streams.get(office.teams.answers(asked)[0].stream)


async def edited_meanwhile(office: Office, place: Place) -> Said:
    slowly(office)
    office.wire.mark()
    asked = await ask(office, place, "How many days of leaf do I get?")
    await streams(office, asked)
    await office.teams.edit(asked, QUESTION)
    return asked


async def edited_afterwards(office: Office, place: Place) -> Said:
    asked = await ask(office, place, "How many days of paid sick leave do I earn a year?")
    await office.answer_to(asked)
    await office.teams.edit(asked, QUESTION)
    await office.bot.idle()
    return asked


async def deleted_meanwhile(office: Office, place: Place) -> Said:
    slowly(office)
    office.wire.mark()
    asked = await ask(office, place)
    await streams(office, asked)
    await office.teams.delete(asked)
    return asked


async def two_minutes_pass(office: Office, place: Place) -> Said:
    """While it is streamed: the rest comes into the message that took over."""
    slowly(office, pause_s=1.6)
    office.wire.mark()
    asked = await ask(office, place)
    await streams(office, asked)
    office.teams.skew += 96
    return asked


async def two_minutes_pass_unseen(office: Office, place: Place) -> Said:
    """The process stood still, and the stream is over when it comes back."""
    slowly(office, pause_s=1.6)
    office.wire.mark()
    asked = await ask(office, place)
    await streams(office, asked)
    office.teams.skew += 121
    return asked


async def person_stops(office: Office, place: Place) -> Said:
    slowly(office, pause_s=1.6)
    office.wire.mark()
    asked = await ask(office, place)
    stream = await streams(office, asked)
    if stream is not None:
        office.teams.stop(stream)
    return asked


def answered(office: Office, asked: Said) -> bool:
    return any(ANSWERED in one.text for one in office.finals(asked))


async def bot_dies(office: Office, place: Place) -> Said:
    """While the platform still thinks; the next one of that name takes it up."""
    until = asyncio.Event()
    office.wire.mark()
    office.wire.on(*ASK, Held(until))
    settings = office.settings.model_copy(update={"name": f"bot-that-dies-in-{place}"})
    async with running(office.teams, settings) as dying:
        asked = await ask(office, place)
        await office.wire.reached(*ASK)
        await dying.desk.lanes.close(0.0)
    until.set()
    async with running(office.teams, settings, fresh=False) as next_one:
        await office.teams.until(lambda: answered(office, asked), "the next one", within_s=60)
        await next_one.idle()
    return asked


async def bot_dies_in_a_word(office: Office, place: Place) -> Said:
    """Some of the answer is shown already."""
    slowly(office)
    office.wire.mark()
    settings = office.settings.model_copy(update={"name": f"bot-that-dies-in-a-word-{place}"})
    async with running(office.teams, settings) as dying:
        asked = await ask(office, place)
        await streams(office, asked)
        await asyncio.sleep(0.3)
        await dying.desk.lanes.close(0.0)
    office.wire.on(*ASK, said(*HALVES))
    async with running(office.teams, settings, fresh=False) as next_one:
        await office.teams.until(lambda: answered(office, asked), "the next one", within_s=60)
        await next_one.idle()
    return asked


def strange(person: Person) -> Meet:
    async def meet(office: Office, place: Place) -> Said:
        chat = chat_of(office, place)
        if place == "1:1":
            chat = office.teams.chat("personal", person)
        else:
            chat.members.append(person)
        return await office.teams.say(person, chat, QUESTION)

    return meet


async def unknown_person(office: Office, place: Place) -> Said:
    """Of this tenant, but nobody whom the platform knows."""
    return await strange(Person("zoe", email="zoe@nowhere.example"))(office, place)


LONG: Final = " ".join(f"Sentence number {n} of a long answer. [1]" for n in range(900))
MANY_PARTS: Final = "\n\n".join(
    f"## Part {n}\n\n- one\n- two\n\n| a | b |\n|---|---|\n| {n} | 2 |\n\n```\ncode {n}\n```"
    for n in range(40)
)


def long_answer(text: str) -> Meet:
    pieces = [text[at : at + 4000] for at in range(0, len(text), 4000)]
    return with_platform(said(*pieces))


MODEL_TIMES_OUT: Final = Spoken([sse(started(1)), sse(status(2)), sse(failed(3))])
AWAY: Final = Answer(problem(503, "unavailable"), 503)
LIMITED: Final[dict[str, Any]] = {"status": 429, "code": "Throttled", "retry_after": 1}
BROKEN: Final[dict[str, Any]] = {"status": 502, "code": "BadGateway"}
OTHERS: Final[tuple[Place, ...]] = ("group", "channel")
FAULTS: Final = (
    Fault("none", undisturbed),
    Fault("none, in pieces", in_pieces),
    Fault("stream start: 502", with_teams("start", **BROKEN)),
    Fault("stream start: throttled", with_teams("start", **LIMITED)),
    Fault("stream start: not allowed", with_teams("start", 9, status=403, code="ContentStreamNotAllowed")),
    Fault("stream start: answer lost", with_teams("start", lost=True)),
    Fault("stream start: never arrives", with_teams("start", dropped=True)),
    Fault("stream step: 502", with_teams("step", **BROKEN)),
    Fault("stream step: throttled", with_teams("step", **LIMITED)),
    Fault("stream step: answer lost", with_teams("step", lost=True)),
    Fault("stream end: 502", with_teams("final", **BROKEN)),
    Fault("stream end: throttled", with_teams("final", **LIMITED)),
    Fault("stream end: answer lost", with_teams("final", lost=True), quick=True),
    Fault("stream end: never arrives", with_teams("final", dropped=True)),
    Fault("message: 502", at_once("send", **BROKEN)),
    Fault("message: throttled", at_once("send", **LIMITED)),
    Fault("message: never arrives", at_once("send", dropped=True)),
    Fault("message: answer lost", at_once("send", lost=True), undecidable=OTHERS),
    Fault("first word of a slow answer: throttled", with_teams("send", **LIMITED)),
    Fault("replacing: 502", with_teams("replace", 2, **BROKEN)),
    Fault("replacing: throttled", with_teams("replace", **LIMITED)),
    Fault("replacing: answer lost", with_teams("replace", lost=True)),
    Fault("replacing: refused", with_teams("replace", 9, status=400, code="BadSyntax")),
    Fault("typing: 502", with_teams("typing", 3, **BROKEN)),
    Fault("member: 502", with_teams("member", 5, **BROKEN)),
    Fault("Teams is away for four calls", with_teams("*", 4, status=503, code="Unavailable")),
    Fault("Teams is away for ten calls", with_teams("*", 10, status=503, code="Unavailable")),
    Fault("every call is throttled once", with_teams("*", 6, **LIMITED)),
    Fault("two minutes pass", two_minutes_pass),
    Fault("model times out", with_platform(MODEL_TIMES_OUT), ending="trouble", quick=True),
    Fault("platform away", with_platform(AWAY, 50), ending="trouble"),
    Fault("the platform's line breaks", with_platform(Cut(200))),
    Fault("delivered three times", delivered_three_times),
    Fault("retried out of order", retried_out_of_order, questions=2),
    Fault("burst of five", burst, questions=5),
    Fault("edited meanwhile", edited_meanwhile),
    Fault("edited afterwards", edited_afterwards),
    Fault("deleted meanwhile", deleted_meanwhile, ending="trouble"),
    Fault("the person stops it", person_stops),
    Fault("38,000 characters", long_answer(LONG), parts=True, quick=True),
    Fault("240 blocks", long_answer(MANY_PARTS)),
    Fault("unknown person", unknown_person),
    Fault("another tenant", strange(Person("eve", GLOBEX)), ending="refusal", quick=True),
    Fault("a guest of the tenant", strange(Person("gus", role="guest")), ending="refusal"),
    Fault("nobody whom Entra knows", strange(Person("hook", known=False)), ending="refusal"),
    Fault("bot dies while it waits", bot_dies),
    Fault("bot dies in the middle of a word", bot_dies_in_a_word),
)
