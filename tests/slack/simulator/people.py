# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# (JSON as Slack has it, and an SDK without types)
"""What a person does in Slack, and the payloads that Slack makes of it."""

import time
from typing import TYPE_CHECKING, Any

from tests.slack.simulator.world import Channel, Delivered, Json, Member, Posted, Team, View, elements_of

if TYPE_CHECKING:
    from tests.slack.simulator.server import Slack


class Person:
    """One member. `at` sees another workspace of the same enterprise (Slack: one id in all of them)."""

    def __init__(self, slack: "Slack", member: Member, team: Team | None = None) -> None:
        self._slack, self.member = slack, member
        self.team = team or member.team
        self.last: Delivered | None = None
        """What was delivered last, with its acknowledgement."""

    @property
    def id(self) -> str:
        return self.member.id

    @property
    def dm(self) -> Channel:
        return self._slack.dm_of(self.team, self.id)

    def at(self, team: Team) -> "Person":
        return Person(self._slack, self.member, team)

    # -- messages

    async def say(self, text: str, *, thread: str = "", channel: Channel | None = None) -> Posted:
        """In the DM with the app, or in a channel without naming the app (no event comes of that)."""
        place = channel or self.dm
        posted = self.posted(place, text, thread)
        if place.direct:
            await self._event(self.message_event(posted), place)
        return posted

    async def mention(self, channel: Channel, text: str, *, thread: str = "") -> Posted:
        posted = self.posted(channel, f"<@{channel.team.bot_user}> {text}", thread)
        await self._event(self.mention_event(posted), channel)
        return posted

    async def upload(self, name: str, data: bytes, text: str = "", mimetype: str = "text/plain") -> Posted:
        """A file in the DM."""
        posted = self.posted(self.dm, text, "")
        posted.files = [self.file(name, data, mimetype)]
        await self._event(self.message_event(posted) | {"subtype": "file_share", "upload": False}, self.dm)
        return posted

    def file(self, name: str, data: bytes, mimetype: str = "text/plain") -> Json:
        identity = self._slack.numbers.id("F")
        url = f"{self._slack.url}/files/{identity}-{self.team.id}"
        about: Json = {
            "id": identity,
            "created": int(time.time()),
            "name": name,
            "title": name,
            "mimetype": mimetype,
            "filetype": name.rsplit(".", 1)[-1],
            "user": self.id,
            "user_team": self.member.team.id,
            "mode": "hosted",
            "size": len(data),
            "url_private": url,
            "url_private_download": url,
            "file_access": "visible",
        }
        self._slack.files[identity] = (about, data)
        return about

    async def edit(self, posted: Posted, text: str) -> None:
        place = self._slack.channels[posted.channel]
        before = self.message_event(posted)
        mention = f"<@{place.team.bot_user}> " if posted.text.startswith("<@") else ""
        posted.text = mention + text
        edited = {"edited": {"user": self.id, "ts": self._slack.numbers.ts()}}
        if place.direct:
            await self._event(self._changed(posted, before, edited), place)
        elif mention:  # a changed message that names the app comes as a mention again
            await self._event(self.mention_event(posted) | edited, place)

    async def delete(self, posted: Posted) -> None:
        place = self._slack.channels[posted.channel]
        self._slack.messages[place.id].remove(posted)
        if place.direct:
            gone = {"subtype": "message_deleted", "deleted_ts": posted.ts}
            await self._event(
                self._hidden(place, gone | {"previous_message": self.message_event(posted)}), place
            )

    # -- pages, commands, shortcuts

    async def open_home(self, tab: str = "home") -> None:
        event: Json = {"type": "app_home_opened", "user": self.id, "channel": self.dm.id, "tab": tab}
        home = self._slack.homes.get((self.team.id, self.id))
        if tab == "home" and home:
            event["view"] = home.payload()
        await self._event(event | {"event_ts": self._slack.numbers.ts()}, self.dm)

    async def command(self, command: str, text: str = "", channel: Channel | None = None) -> Delivered:
        """`command` with its slash. What is answered at once is shown to the person only."""
        place = channel or self.dm
        payload: Json = {
            "token": "verification",
            "team_id": self.team.id,
            "team_domain": self.team.domain,
            "channel_id": place.id,
            "channel_name": place.name,
            "user_id": self.id,
            "user_name": self.member.name,
            "command": command,
            "text": text,
            "api_app_id": "A0SWITCH",
            "is_enterprise_install": "false",
            "response_url": self._slack.response_url(place.id, self.id),
            "trigger_id": self._slack.trigger(self.id),
        }
        if self.team.enterprise:
            payload |= {"enterprise_id": self.team.enterprise, "enterprise_name": self.team.enterprise}
        delivered = await self._deliver("slash_commands", payload)
        self._immediately(place, delivered.answer)
        return delivered

    async def shortcut(self, callback: str, posted: Posted) -> Delivered:
        """On a message."""
        place = self._slack.channels[posted.channel]
        payload = self._interaction("message_action") | {
            "callback_id": callback,
            "action_ts": self._slack.numbers.ts(),
            "message_ts": posted.ts,
            "message": posted.payload(),
            "channel": {"id": place.id, "name": place.name},
            "response_url": self._slack.response_url(place.id, self.id),
        }
        return await self._deliver("interactive", payload)

    # -- buttons and modals

    async def click(self, message: Posted, which: str, value: str | None = None) -> Delivered:
        """The element whose action id or label begins with `which`; `value` forges what it says."""
        found = _button(message.blocks, which)
        payload = self.action_payload(message, found, value)
        return await self._deliver("interactive", payload)

    async def vote(self, message: Posted, *, up: bool = True) -> Delivered:
        feedback = next(one for one in message.buttons if one["type"] == "feedback_buttons")
        chosen = feedback["positive_button" if up else "negative_button"]
        return await self._deliver("interactive", self.action_payload(message, feedback, chosen["value"]))

    async def click_home(self, which: str) -> Delivered:
        return await self.click_view(self._slack.homes[self.team.id, self.id], which)

    async def click_view(self, view: View, which: str) -> Delivered:
        found = _button(view.body["blocks"], which)
        payload = self._interaction("block_actions") | {
            "container": {"type": "view", "view_id": view.id},
            "view": view.payload(),
            "actions": [self._action(found, None)],
        }
        return await self._deliver("interactive", payload)

    @property
    def modal(self) -> View | None:
        """The one on top."""
        opened = self._slack.modals.get(self.id, [])
        return opened[-1] if opened else None

    def fill(self, **fields: Any) -> None:
        """Into the modal on top, by the beginning of a label (underscores: spaces); lists choose several."""
        view = self.modal
        assert view is not None, "no modal is open"
        for name, value in fields.items():
            block = _field(view, name.replace("_", " "))
            element = block["element"]
            view.state.setdefault(block["block_id"], {})[element["action_id"]] = _typed(element, value)

    async def submit(self, **fields: Any) -> Delivered:
        """Fills and sends the modal on top; `modal` is gone, changed, or shows `errors` afterwards."""
        self.fill(**fields)
        view = self.modal
        assert view is not None
        for block in view.body["blocks"]:
            if block["type"] == "input":
                element = block["element"]
                state = view.state.setdefault(block["block_id"], {})
                state.setdefault(element["action_id"], _untouched(element))
        payload = self._interaction("view_submission") | {"view": view.payload(), "response_urls": []}
        delivered = await self._deliver("interactive", payload)
        self._submitted(view, delivered)
        return delivered

    def _submitted(self, view: View, delivered: Delivered) -> None:
        answer, opened = delivered.answer, self._slack.modals[self.id]
        match answer.get("response_action") if delivered.acked else "stays":
            case "errors":
                view.errors = answer["errors"]
            case "update":
                view.body = answer["view"]
            case "push":
                opened.append(View(self._slack.numbers.id("V"), answer["view"], self.id, self.team))
            case "clear":
                opened.clear()
            case "stays":
                view.errors = {"": "We had some trouble connecting"}
            case _:
                opened.remove(view)

    # -- payloads

    def message_event(self, posted: Posted) -> Json:
        event = self._said(posted) | {"type": "message", "channel_type": "im"}
        return event | ({"files": posted.files} if posted.files else {})

    def mention_event(self, posted: Posted) -> Json:
        return self._said(posted) | {"type": "app_mention"}

    def _said(self, posted: Posted) -> Json:
        words = [{"type": "rich_text_section", "elements": [{"type": "text", "text": posted.text}]}]
        event: Json = {
            "client_msg_id": f"client-{posted.ts}",
            "text": posted.text,
            "user": self.id,
            "ts": posted.ts,
            "team": self.member.team.id,
            "blocks": [{"type": "rich_text", "block_id": "said", "elements": words}],
            "channel": posted.channel,
            "event_ts": posted.ts,
        }
        if posted.thread:
            event |= {"thread_ts": posted.thread, "parent_user_id": self.id}
        if self.member.team.id != self._slack.channels[posted.channel].team.id:
            event |= {"user_team": self.member.team.id, "source_team": self.member.team.id}
        if self.member.bot:
            event |= {"bot_id": "B0OTHER", "app_id": "A0OTHER", "subtype": "bot_message"}
        return event

    def _changed(self, posted: Posted, before: Json, edited: Json) -> Json:
        now = self.message_event(posted) | edited | {"source_team": self.team.id, "user_team": self.team.id}
        place = self._slack.channels[posted.channel]
        return self._hidden(place, {"subtype": "message_changed", "message": now, "previous_message": before})

    def _hidden(self, place: Channel, more: Json) -> Json:
        ts = self._slack.numbers.ts()
        base: Json = {"type": "message", "channel": place.id, "hidden": True, "ts": ts, "event_ts": ts}
        return base | {"channel_type": "im"} | more

    def event_body(self, event: Json, place: Channel) -> Json:
        """As the Events API sends it."""
        team = place.team
        return {
            "token": "verification",
            "team_id": team.id,
            "enterprise_id": team.enterprise or None,
            "context_team_id": team.id,
            "context_enterprise_id": team.enterprise or None,
            "api_app_id": "A0SWITCH",
            "event": event,
            "type": "event_callback",
            "event_id": self._slack.numbers.id("Ev"),
            "event_time": int(time.time()),
            "authorizations": [
                {
                    "enterprise_id": team.enterprise or None,
                    "team_id": None if self._whole(team) else team.id,
                    "user_id": team.bot_user,
                    "is_bot": True,
                    "is_enterprise_install": self._whole(team),
                }
            ],
            "is_ext_shared_channel": place.shared,
            "event_context": "4-simulated",
        }

    def _whole(self, team: Team) -> bool:
        grants = self._slack.tokens.values()
        return bool(team.enterprise) and any(g.whole and g.team.enterprise == team.enterprise for g in grants)

    def action_payload(self, message: Posted, element: Json, value: str | None = None) -> Json:
        place = self._slack.channels[message.channel]
        container = {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": place.id,
            "is_ephemeral": bool(message.ephemeral),
        } | ({"thread_ts": message.thread} if message.thread else {})
        payload = self._interaction("block_actions") | {
            "container": container,
            "channel": {"id": place.id, "name": place.name},
            "state": {"values": {}},
            "response_url": self._slack.response_url(place.id, self.id, message.thread, message.ts),
            "actions": [self._action(element, value)],
        }
        return payload if message.ephemeral else payload | {"message": message.payload()}

    def _action(self, element: Json, value: str | None) -> Json:
        action: Json = {
            "action_id": element["action_id"],
            "block_id": element.get("block_id", "block"),
            "type": element["type"],
            "action_ts": self._slack.numbers.ts(),
        }
        if "options" in element:
            options: list[Json] = element["options"]
            chosen = next((o for o in options if value in {None, o["value"], o["text"]["text"]}), options[0])
            return action | {"selected_option": chosen}
        if "text" in element:
            action["text"] = element["text"]
        said = value if value is not None else element.get("value")
        return action | ({} if said is None else {"value": said})

    def _interaction(self, kind: str) -> Json:
        team = self.team
        user = {"id": self.id, "username": self.member.name, "name": self.member.name}
        enterprise = {"id": team.enterprise, "name": team.enterprise} if team.enterprise else None
        return {
            "type": kind,
            "token": "verification",
            "api_app_id": "A0SWITCH",
            "team": {"id": team.id, "domain": team.domain},
            "enterprise": enterprise,
            "is_enterprise_install": self._whole(team),
            "user": user | {"team_id": self.member.team.id},
            "trigger_id": self._slack.trigger(self.id),
        }

    # -- how it goes out

    def posted(self, place: Channel, text: str, thread: str = "") -> Posted:
        """Stands there; no event goes out."""
        posted = Posted(place.id, self._slack.numbers.ts(), self.id, text, thread)
        self._slack.messages[place.id].append(posted)
        return posted

    async def _event(self, event: Json, place: Channel) -> None:
        await self._deliver("events_api", self.event_body(event, place))

    async def _deliver(self, kind: str, payload: Json) -> Delivered:
        self.last = await self._slack.door.deliver(kind, payload)
        return self.last

    def _immediately(self, place: Channel, answer: Json) -> None:
        if not (answer.get("text") or answer.get("blocks")):
            return
        posted = Posted(place.id, self._slack.numbers.ts(), self.team.bot_user, answer.get("text", ""))
        posted.blocks, posted.app = answer.get("blocks") or [], True
        posted.ephemeral = self.id if answer.get("response_type", "ephemeral") == "ephemeral" else ""
        self._slack.messages[place.id].append(posted)


def _button(blocks: list[Json], which: str) -> Json:
    """By action id or label; of a block's elements the one with its block's id."""
    for block in blocks:
        for element in elements_of(block):
            if "action_id" in element and _called(element, which):
                return element | {"block_id": block.get("block_id", "block")}
    raise AssertionError(f"no {which!r} among {[e for e in elements_of(blocks) if 'action_id' in e]}")


def _called(element: Json, which: str) -> bool:
    label = element.get("text")
    shown = label["text"] if isinstance(label, dict) else ""
    return element["action_id"].startswith(which) or shown.startswith(which)


def _field(view: View, label: str) -> Json:
    found = [block for block in view.body["blocks"] if block["type"] == "input"]
    for block in found:
        if block["label"]["text"].lower().startswith(label.lower()):
            return block
    raise AssertionError(f"no field {label!r} among {[b['label']['text'] for b in found]}")


def _typed(element: Json, value: Any) -> Json:
    """As Slack's state has it."""
    kind = element["type"]
    options: list[Json] = element.get("options", [])
    wanted: list[Any] = value if isinstance(value, list) else [value]
    chosen = [o for o in options if o["value"] in wanted or o["text"]["text"] in wanted]
    if kind in {"static_select", "radio_buttons"}:
        return {"type": kind, "selected_option": chosen[0] if chosen else None}
    if kind in {"checkboxes", "multi_static_select"}:
        return {"type": kind, "selected_options": chosen}
    if kind == "datepicker":
        return {"type": kind, "selected_date": value}
    if kind == "timepicker":
        return {"type": kind, "selected_time": value}
    if kind == "datetimepicker":
        return {"type": kind, "selected_date_time": value}
    return {"type": kind, "value": str(value)}


def _untouched(element: Json) -> Json:
    """The state of a field that nobody touched: what it began with."""
    kind = element["type"]
    if kind in {"static_select", "radio_buttons"}:
        return {"type": kind, "selected_option": element.get("initial_option")}
    if kind in {"checkboxes", "multi_static_select"}:
        return {"type": kind, "selected_options": element.get("initial_options", [])}
    if kind in {"datepicker", "timepicker", "datetimepicker"}:
        part = {"datepicker": "date", "timepicker": "time", "datetimepicker": "date_time"}[kind]
        return {"type": kind, f"selected_{part}": element.get(f"initial_{part}")}
    return {"type": kind, "value": element.get("initial_value")}
