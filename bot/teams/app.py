# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportMissingTypeStubs=false
# (the vendor's SDK has no usable types)
"""The Teams bot: botbuilder checks and hands over, `parse` understands, everything is taken before any work
begins. What is said goes over `calls`."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final, cast

import structlog
from botbuilder.core.invoke_response import InvokeResponse
from botbuilder.core.turn_context import TurnContext
from botbuilder.schema import Activity
from switchboard_sdk import Switchboard

from bot.core.deliveries import deliver
from bot.core.lanes import Lanes
from bot.core.unfinished import Begun, Unfinished
from bot.teams import parse
from bot.teams.answering import Answering
from bot.teams.calls import Connector, Hosts, Tokens
from bot.teams.delivering import Delivering
from bot.teams.desk import Desk
from bot.teams.extension import Extension
from bot.teams.files import Files
from bot.teams.happened import Added, Asked, Deleted, Edited, Event, Foreign, Removed, Where
from bot.teams.interacting import Interacting
from bot.teams.invoking import InvokeAnswer, Invoked, Invokes
from bot.teams.kept import Kept
from bot.teams.opening import Opening
from bot.teams.people import People
from bot.teams.quirks import INVOKE_RESPONSE, Adapter, Credentials, Keys
from bot.teams.settings import TeamsSettings
from bot.teams.signing_in import SigningIn
from bot.teams.uploading import Uploading

log = structlog.get_logger()
FINISHED_WITHIN_S: Final = 20.0
"""What is still under way when we stop; the rest is taken up by whoever comes next."""
INVOKED_WITHIN_S: Final = 9.0
REMEMBERED: Final = 2_000
REFUSED: Final = "I answer only people of the organisation that installed me."


@dataclass(slots=True)
class TeamsBot:
    """Made by `build`."""

    settings: TeamsSettings
    desk: Desk
    adapter: Adapter
    hosts: Hosts
    answering: Answering
    uploading: Uploading
    interacting: Interacting
    opening: Opening
    delivering: Delivering
    invokes: Invokes
    _answers: OrderedDict[str, "asyncio.Task[InvokeAnswer]"] = field(
        default_factory=OrderedDict[str, "asyncio.Task[InvokeAnswer]"], init=False
    )

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Unfinished turns, deliveries. At the end what is under way is finished."""
        aside = [
            asyncio.create_task(self.answering.sweep()),
            asyncio.create_task(deliver(self.desk.switchboard, "teams", self.delivering.show)),
        ]
        try:
            async with self.desk.unfinished.beating():
                try:
                    yield
                finally:
                    await self.desk.lanes.close(FINISHED_WITHIN_S)
        finally:
            for task in aside:
                task.cancel()
            await asyncio.gather(*aside, return_exceptions=True)
            await self.invokes.close()
            await self.desk.connector.close()

    async def idle(self) -> None:
        """Once nothing that has arrived is left to do."""
        await self.desk.lanes.settled()
        await self.desk.unfinished.settled()

    async def receive(self, header: str, body: Mapping[str, Any]) -> InvokeAnswer | None:
        """One activity: None where it is taken and nothing is to be said at once.

        Raises sending.NotAllowed, sending.Away.
        """

        async def turn(context: TurnContext) -> None:
            if body.get("type") != "invoke":
                self._taken(body)
                return
            answer = await self._answered_once(body)
            response = InvokeResponse(status=answer.status, body=answer.body)
            context.turn_state[INVOKE_RESPONSE] = Activity(type="invokeResponse", value=response)

        response = await self.adapter.receive(header, body, turn)
        if response is None or body.get("type") != "invoke":
            return None
        return InvokeAnswer(int(response.status), cast(dict[str, Any] | None, response.body))

    def take(self, event: Event) -> None:
        """Returns at once."""
        desk = self.desk
        match event:
            case Asked(where=Where(kind="personal")):
                if event.images:
                    desk.lanes.aside(partial(self.uploading.pictures, event))
                if event.files:
                    work = partial(self.uploading.taken, event, self.answering.asked)
                    desk.lanes.give(event.where.ref, work)
                elif event.text or not event.images:
                    self.answering.asked(event)
            case Asked():
                # Files that others in a channel see as well are nobody's own to keep.
                self.answering.asked(event)
            case Edited():
                self.answering.edited(event)
            case Deleted():
                self.answering.deleted(event)
            case Foreign():
                desk.lanes.aside(partial(self.answering.foreign, event))
            case Added():
                desk.lanes.aside(partial(self.opening.added, event))
            case Removed():
                log.info("teams.removed", kind=event.where.kind)

    def _taken(self, body: Mapping[str, Any]) -> None:
        event = parse.event_of(body)
        if event is None:
            return
        if not self.hosts.allow(event.where.service_url):
            log.warning("teams.refused_service", url=event.where.service_url[:200])
            return
        self.take(event)

    async def _answered_once(self, body: Mapping[str, Any]) -> InvokeAnswer:
        """An invoke that comes again gets the same answer, and does nothing a second time."""
        conversation, sender = body.get("conversation"), body.get("from")
        key = f"{body.get('id') or ''}\n{conversation}\n{sender}\n{body.get('name')}"
        if not body.get("id"):
            return await self._invoked(body)
        answering = self._answers.get(key)
        if answering is None:
            answering = self._answers[key] = asyncio.create_task(self._invoked(body))
            if len(self._answers) > REMEMBERED:
                self._answers.popitem(last=False)
        try:
            answer = await asyncio.shield(answering)
        except Exception:
            self._answers.pop(key, None)
            raise
        if answer.status >= 500:
            self._answers.pop(key, None)
        return answer

    async def _invoked(self, body: Mapping[str, Any]) -> InvokeAnswer:
        where, value = parse.where_of(body), body.get("value")
        who = parse.who_of(body, where) if where is not None else None
        if where is None or who is None or not self.hosts.allow(where.service_url):
            return InvokeAnswer(400)
        standing = await self.desk.people.standing(where, who)
        if standing == "unknown":
            return InvokeAnswer(503)
        if standing != "ours":
            log.warning("teams.refused_stranger", who=who.identity, invoke=body.get("name"))
            return _refused()
        place = replace(where, activity=str(body.get("replyToId") or ""))
        given = cast(dict[str, Any], value) if isinstance(value, dict) else {}
        invoked = Invoked(str(body.get("name") or ""), given, who, place, parse.zone_of(body))
        try:
            async with asyncio.timeout(INVOKED_WITHIN_S):
                return await self.invokes.execute(invoked)
        except TimeoutError:
            log.warning("teams.invoke_slow", invoke=invoked.name)
            return InvokeAnswer(504)


def build(
    settings: TeamsSettings,
    switchboard: Switchboard,
    *,
    tokens: Tokens | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> TeamsBot:
    """switchboard: as the bot (`settings.bot_key`). tokens: ours for the connector, by MSAL unless given;
    clock: of streams, in seconds. Call it where a loop runs."""
    hosts = Hosts(settings.service_hosts, loopback=settings.playground)
    connector = Connector(tokens or Credentials(settings), hosts)
    file_hosts = Hosts(settings.file_hosts, loopback=settings.playground)
    desk = Desk(
        connector,
        switchboard,
        People(connector, switchboard, None if settings.playground else settings.served),
        Files(connector, file_hosts, settings.largest_file_mb * 1024**2),
        Unfinished(switchboard, "teams", settings.name),
        Lanes(settings.at_once),
        settings.agent or None,
        clock,
    )
    uploading, opening = Uploading(desk), Opening(desk, settings)

    async def resume(kept: Kept, begun: Begun) -> None:
        await uploading.go_on(kept, begun, answering.asked)

    async def instead(kept: Kept) -> Sequence[dict[str, Any]] | None:
        return await opening.instead(kept)

    answering = Answering(desk, resume, instead)
    interacting = Interacting(desk, answering)
    return TeamsBot(
        settings,
        desk,
        Adapter(settings, Keys(settings.metadata_url)),
        hosts,
        answering,
        uploading,
        interacting,
        opening,
        Delivering(desk, uploading, interacting),
        Invokes(
            switchboard,
            interacting,
            Extension(settings.platform_url),
            SigningIn(switchboard, settings),
        ),
    )


def _refused() -> InvokeAnswer:
    error = {"code": "NotAllowed", "message": REFUSED}
    return InvokeAnswer(200, {"statusCode": 403, "type": "application/vnd.microsoft.error", "value": error})
