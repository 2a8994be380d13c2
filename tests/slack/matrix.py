"""The faults that a turn in Slack may meet, and the places where it meets them.

A fault asks the question itself, since many are about how the question comes. `ending` is what the one final
message is to be: the answer, a sentence about the trouble, or a refusal.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from tests.scripted_platform import Answer, failed, problem, sse, started, status
from tests.slack.office import QUESTION, Office, process
from tests.slack.simulator import Person, Posted
from tests.slack.wire import Cut, Held, Spoken, said

Place = Literal["dm", "thread", "channel"]
PLACES: Final[tuple[Place, ...]] = ("dm", "thread", "channel")
Ending = Literal["answer", "trouble", "refusal"]
STREAM: Final = ("POST", "/api/v1/chat/stream")
HALVES: Final = (
    "Full-time staff earn 20 days of annual leave. [1] ",
    "Ask your team lead before you book. ",
    "That is all.",
)
ANSWERED: Final = "20 days"


@dataclass(frozen=True, slots=True)
class Fault:
    name: str
    meet: Callable[[Office, Place], Awaitable[Posted]]
    ending: Ending = "answer"
    questions: int = 1
    """How many were asked in the thread; each has its own final message."""
    quick: bool = False
    """Runs in the quick suite, too."""
    places: tuple[Place, ...] = PLACES


ANSWERS: Final = (ANSWERED, "long answer", "Part 0", "10 days")
PATIENCE_S: Final = 90.0


async def met(here: Office, fault: Fault, place: Place) -> tuple[str, float]:
    """What is wrong with the end ("" for nothing), and how many seconds it took."""
    here.slack.faults.clear()
    here.wire.clear()
    began = time.monotonic()
    try:
        asked = await fault.meet(here, place)
        thread = asked.thread or asked.ts
        await here.slack.until(
            lambda: [m for m in here.answers(asked) if not m.streaming], within_s=PATIENCE_S
        )
        await here.settled()
    except (AssertionError, TimeoutError) as error:
        return f"{type(error).__name__}: {str(error)[:300]}", time.monotonic() - began
    finals, wrong = here.answers(asked), ""
    if len(finals) != fault.questions:
        wrong = f"{len(finals)} messages: {[one.shown[:60] for one in finals]}"
    elif any(one.streaming for one in finals):
        wrong = "still streaming"
    elif status := here.slack.status(asked.channel, thread):
        wrong = f"an orphan status: {status}"
    elif not all(one.shown.strip() for one in finals):
        wrong = "an empty message"
    elif fault.ending == "refusal" and "I answer" not in finals[0].shown:
        wrong = f"no refusal: {finals[0].shown[:100]}"
    elif fault.ending == "answer" and not any(word in finals[0].shown for word in ANSWERS):
        wrong = f"no answer: {finals[0].shown[:100]}"
    return wrong, time.monotonic() - began


async def ask(office: Office, place: Place, text: str = QUESTION, by: Person | None = None) -> Posted:
    person = by or office.maya
    if place == "dm":
        return await person.say(text)
    if place == "thread":
        parent = person.posted(person.dm, "something said before")
        return await person.say(text, thread=parent.ts)
    return await person.mention(office.channel, text)


def slowly(office: Office) -> None:
    """The next answer comes in three pieces with pauses, so that it is appended to."""
    office.wire.on(*STREAM, said(*HALVES, pause_s=0.6))


Meet = Callable[[Office, Place], Awaitable[Posted]]


def with_slack(prepare: Callable[[Office], object]) -> Meet:
    """A fault of the Web API while an answer is streamed in pieces."""

    async def meet(office: Office, place: Place) -> Posted:
        slowly(office)
        prepare(office)
        return await ask(office, place)

    return meet


def failing(method: str, error: str = "", **how: Any) -> Meet:
    return with_slack(lambda office: office.slack.fail(method, error, **how))


def losing(method: str) -> Meet:
    return with_slack(lambda office: office.slack.lose(method))


def without_streams(prepare: Callable[[Office], object]) -> Meet:
    """The answer is one posted message."""
    return with_slack(
        lambda office: (office.slack.fail("chat.startStream", "not_allowed", times=None), prepare(office))
    )


def with_a_broken_append(prepare: Callable[[Office], object]) -> Meet:
    """The answer has to be written whole."""
    return with_slack(lambda office: (office.slack.fail("chat.appendStream", status=500), prepare(office)))


def with_platform(
    step: Answer | Spoken | Cut, times: int = 1
) -> Callable[[Office, Place], Awaitable[Posted]]:
    async def meet(office: Office, place: Place) -> Posted:
        office.wire.on(*STREAM, *[step] * times)
        return await ask(office, place)

    return meet


async def undisturbed(office: Office, place: Place) -> Posted:
    return await ask(office, place)


async def delivered_three_times(office: Office, place: Place) -> Posted:
    slowly(office)
    asked = await ask(office, place)
    assert office.maya.last is not None
    body = office.maya.last.payload
    again = (office.slack.door.deliver("events_api", body) for _ in range(2))
    await asyncio.gather(*again)
    await office.settled()
    await office.slack.door.deliver("events_api", body)
    return asked


async def retried_out_of_order(office: Office, place: Place) -> Posted:
    """The next question comes first, then the first one once more."""
    first = await ask(office, place)
    assert office.maya.last is not None
    body = office.maya.last.payload
    thread = first.thread or first.ts
    if place == "channel":
        await office.maya.mention(office.channel, "Who may travel?", thread=thread)
    else:
        await office.maya.say("Who may travel?", thread=thread)
    await office.slack.door.deliver("events_api", body)
    return first


async def burst(office: Office, place: Place) -> Posted:
    """Five at once in one thread: answered one after the other."""
    first = await ask(office, place)
    thread = first.thread or first.ts
    for text in ("How much sick leave?", "How long is parental leave?", "What may I carry over?", QUESTION):
        if place == "channel":
            await office.maya.mention(office.channel, text, thread=thread)
        else:
            await office.maya.say(text, thread=thread)
    return first


async def edited_meanwhile(office: Office, place: Place) -> Posted:
    slowly(office)
    asked = await ask(office, place, "How many days of leaf do I get?")
    await office.slack.until(lambda: office.slack.answers(asked.channel, asked.thread or asked.ts))
    await office.maya.edit(asked, QUESTION)
    return asked


async def edited_afterwards(office: Office, place: Place) -> Posted:
    """In a channel the bot hears of no edits: its answer stays."""
    asked = await ask(office, place, "How many days of paid sick leave do I earn a year?")
    await office.answer_to(asked)
    await office.maya.edit(asked, QUESTION)
    return asked


async def deleted_meanwhile(office: Office, place: Place) -> Posted:
    slowly(office)
    asked = await ask(office, place)
    await office.slack.until(lambda: office.slack.answers(asked.channel, asked.thread or asked.ts))
    await office.maya.delete(asked)
    return asked


async def stream_expires(office: Office, place: Place) -> Posted:
    slowly(office)
    asked = await ask(office, place)
    where = asked.thread or asked.ts
    await office.slack.until(lambda: [m for m in office.slack.answers(asked.channel, where) if m.streaming])
    office.slack.expire_streams(all_=True)
    return asked


async def socket_breaks(office: Office, place: Place) -> Posted:
    slowly(office)
    asked = await ask(office, place)
    await office.slack.sockets.cut()
    return asked


async def slack_wants_a_new_connection(office: Office, place: Place) -> Posted:
    slowly(office)
    asked = await ask(office, place)
    await office.slack.sockets.disconnect()
    return asked


async def bot_is_killed(office: Office, place: Place) -> Posted:
    """While the platform still thinks; the next process of that name takes it up."""
    until = asyncio.Event()
    office.wire.mark()
    office.wire.on(*STREAM, Held(until))
    settings = office.settings.model_copy(update={"name": f"bot-that-dies-in-{place}"})
    async with process(office.slack, settings) as dying:
        asked = await ask(office, place)
        await office.slack.until(lambda: office.slack.status(asked.channel, asked.thread or asked.ts))
        await office.wire.reached(*STREAM)
        dying.kill()
        await dying.wait()
    until.set()
    async with process(office.slack, settings):
        await office.slack.until(
            lambda: [m for m in office.answers(asked) if not m.streaming], "the next process", within_s=120
        )
        await office.slack.quiet(1.0)
    return asked


async def stranger(office: Office, place: Place) -> Posted:
    """Of another company, through Slack Connect."""
    other = office.slack.team("globex", installed=False)
    eve = office.slack.person("eve", other).at(office.team)
    office.channel.members.add(eve.id)
    return await ask(office, place, by=eve)


async def another_bot(office: Office, place: Place) -> Posted:
    """Bots write into channels only."""
    robot = office.slack.person("robot", office.team, bot=True)
    office.channel.members.add(robot.id)
    return await ask(office, place, by=robot)


async def unknown_person(office: Office, place: Place) -> Posted:
    """Of this workspace, but nobody whom the platform knows."""
    zoe = office.slack.person("zoe", office.team, email="zoe@nowhere.example")
    office.channel.members.add(zoe.id)
    return await ask(office, place, by=zoe)


LONG: Final = " ".join(f"Sentence number {n} of a long answer. [1]" for n in range(700))
MANY_PARTS: Final = "\n\n".join(
    f"## Part {n}\n\n- one\n- two\n\n| a | b |\n|---|---|\n| {n} | 2 |\n\n```\ncode {n}\n```"
    for n in range(40)
)


def long_answer(text: str) -> Meet:
    pieces = [text[at : at + 4000] for at in range(0, len(text), 4000)]
    return with_platform(said(*pieces))


MODEL_TIMES_OUT: Final = Spoken([sse(started(1)), sse(status(2)), sse(failed(3))])
BREAKS: Final = Spoken([sse(started(1)), sse(status(2))], cut=True)
AWAY: Final = Answer(problem(503, "unavailable"), 503)

LIMITED: Final[dict[str, Any]] = {"status": 429, "retry_after": 1}
FAULTS: Final = (
    Fault("none", undisturbed, quick=True),
    Fault("startStream: internal_error", failing("chat.startStream", "internal_error")),
    Fault("startStream: HTTP 500", failing("chat.startStream", status=500)),
    Fault("startStream: not allowed", failing("chat.startStream", "not_allowed", times=None)),
    Fault("startStream: answer lost", losing("chat.startStream")),
    Fault("startStream: rate limit", failing("chat.startStream", **LIMITED)),
    Fault("appendStream: HTTP 500", failing("chat.appendStream", status=500)),
    Fault("appendStream: answer lost", losing("chat.appendStream")),
    Fault("appendStream: rate limit", failing("chat.appendStream", **LIMITED)),
    Fault("stream expires", stream_expires, quick=True),
    Fault("stopStream: HTTP 500", failing("chat.stopStream", status=500)),
    Fault("stopStream: answer lost", losing("chat.stopStream")),
    Fault("stopStream: rate limit", failing("chat.stopStream", **LIMITED)),
    Fault("stopStream: invalid_blocks", failing("chat.stopStream", "invalid_blocks")),
    Fault(
        "no stream, postMessage: answer lost",
        without_streams(lambda office: office.slack.lose("chat.postMessage")),
    ),
    Fault(
        "no stream, postMessage: rate limit",
        without_streams(lambda office: office.slack.fail("chat.postMessage", **LIMITED)),
    ),
    Fault(
        "append fails, update: rate limit",
        with_a_broken_append(lambda office: office.slack.fail("chat.update", **LIMITED)),
    ),
    Fault(
        "append fails, update: cant_update_message",
        with_a_broken_append(lambda office: office.slack.fail("chat.update", "cant_update_message")),
    ),
    Fault("setStatus: HTTP 500", failing("assistant.threads.setStatus", status=500, times=3)),
    Fault("setStatus: answer lost", losing("assistant.threads.setStatus")),
    Fault("users.info: HTTP 500", failing("users.info", status=500, times=3)),
    Fault("Slack is away for four calls", failing("*", status=503, times=4)),
    Fault("Slack is away for ten calls", failing("*", status=503, times=10)),
    Fault("every call is limited once", failing("*", **LIMITED, times=6)),
    Fault("model times out", with_platform(MODEL_TIMES_OUT), ending="trouble", quick=True),
    Fault("platform away", with_platform(AWAY, 50), ending="trouble"),
    Fault("the platform's line breaks", with_platform(Cut(200))),
    Fault("delivered three times", delivered_three_times),
    Fault("retried out of order", retried_out_of_order, questions=2),
    Fault("burst of five", burst, questions=5),
    Fault("edited meanwhile", edited_meanwhile),
    Fault("edited afterwards", edited_afterwards),
    Fault("deleted meanwhile", deleted_meanwhile, ending="trouble"),
    Fault("socket breaks", socket_breaks),
    Fault("socket is renewed", slack_wants_a_new_connection),
    Fault("28,000 characters", long_answer(LONG), quick=True),
    Fault("240 blocks", long_answer(MANY_PARTS)),
    Fault("unknown person", unknown_person),
    Fault("stranger of Slack Connect", stranger, ending="refusal", quick=True),
    Fault("another app's bot", another_bot, ending="refusal", places=("channel",)),
    Fault("bot is killed", bot_is_killed),
)
