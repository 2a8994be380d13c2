# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# (JSON as Slack has it, and an SDK without types)
"""The methods of the Web API: each checks as Slack does, changes the world and answers as Slack does."""

import json
import re
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from tests.slack import limits
from tests.slack.simulator.world import Json, Member, Posted, Team, View

if TYPE_CHECKING:
    from tests.slack.simulator.server import Slack

STATUS_LASTS_S = 120.0


class Refused(Exception):
    """`{"ok": false, "error": …}`."""

    def __init__(self, error: str, **more: Any) -> None:
        super().__init__(error)
        self.body: Json = {"ok": False, "error": error, **more}


class WebApi:
    """One method per method of Slack's: `chat.postMessage` is `chat_post_message`."""

    def __init__(self, slack: "Slack") -> None:
        self._slack = slack

    def method(self, name: str) -> Callable[[Team, Json], Awaitable[Json]] | None:
        words = re.sub(r"(URL|[A-Z])", lambda found: f"_{found[0].lower()}", name.replace(".", "_"))
        return getattr(self, words, None)

    # -- who we are

    async def auth_test(self, team: Team, _: Json) -> Json:
        return {
            "url": f"https://{team.domain}.slack.com/",
            "team": team.domain,
            "user": "switchboard",
            "team_id": team.id,
            "user_id": team.bot_user,
            "bot_id": team.bot_id,
            "is_enterprise_install": False,
        } | ({"enterprise_id": team.enterprise} if team.enterprise else {})

    async def auth_revoke(self, team: Team, arguments: Json) -> Json:
        self._slack.tokens.pop(arguments["token"], None)
        return {"revoked": True}

    async def users_info(self, team: Team, arguments: Json) -> Json:
        member = self._slack.members.get(arguments.get("user", ""))
        if member is None:
            raise Refused("user_not_found")
        return {"user": _profile(member, team)}

    # -- messages

    async def chat_post_message(self, team: Team, arguments: Json) -> Json:
        channel = self._channel(team, arguments)
        self._check(arguments)
        if not any(arguments.get(part) for part in ("text", "blocks", "markdown_text", "attachments")):
            raise Refused("no_text")
        thread = arguments.get("thread_ts", "")
        if thread and not self._slack.find(channel, thread):
            raise Refused("thread_not_found")
        if again := self._slack.client_ids.get((channel, arguments.get("client_msg_id", ""))):
            return {"channel": channel, "ts": again.ts, "message": again.payload()}
        posted = self._post(team, channel, arguments, thread=thread)
        if sent_as := arguments.get("client_msg_id"):
            self._slack.client_ids[channel, sent_as] = posted
        self._slack.statuses.pop((channel, thread), None)
        return {"channel": channel, "ts": posted.ts, "message": posted.payload()}

    async def chat_post_ephemeral(self, team: Team, arguments: Json) -> Json:
        channel = self._channel(team, arguments)
        self._check(arguments)
        user = arguments.get("user", "")
        if user not in self._slack.channels[channel].members:
            raise Refused("user_not_in_channel")
        posted = self._post(team, channel, arguments, thread=arguments.get("thread_ts", ""), ephemeral=user)
        return {"message_ts": posted.ts}

    async def chat_update(self, team: Team, arguments: Json) -> Json:
        message = self._own(team, arguments, "cant_update_message")
        self._check(arguments)
        if message.streaming:
            raise Refused("streaming_state_conflict")
        message.versions.append(message.shown)
        message.text = arguments.get("text") or arguments.get("markdown_text") or ""
        message.blocks = arguments.get("blocks") or []
        message.streamed = False
        message.finished = time.monotonic()
        return {"channel": message.channel, "ts": message.ts, "text": message.text}

    async def chat_delete(self, team: Team, arguments: Json) -> Json:
        message = self._own(team, arguments, "cant_delete_message")
        self._slack.messages[message.channel].remove(message)
        return {"channel": message.channel, "ts": message.ts}

    async def chat_get_permalink(self, team: Team, arguments: Json) -> Json:
        channel, ts = self._channel(team, arguments), arguments.get("message_ts", "")
        return {"channel": channel, "permalink": f"https://{team.domain}.slack.com/archives/{channel}/p{ts}"}

    async def conversations_replies(self, team: Team, arguments: Json) -> Json:
        channel, thread = self._channel(team, arguments), arguments.get("ts", "")
        found = [m for m in self._slack.messages[channel] if thread in {m.ts, m.thread} and not m.ephemeral]
        if not found:
            raise Refused("thread_not_found")
        return {"messages": [m.payload() for m in found], "has_more": False}

    async def conversations_history(self, team: Team, arguments: Json) -> Json:
        channel = self._channel(team, arguments)
        found = [m for m in self._slack.messages[channel] if not m.thread and not m.ephemeral]
        return {"messages": [m.payload() for m in reversed(found)], "has_more": False}

    # -- streams

    async def chat_start_stream(self, team: Team, arguments: Json) -> Json:
        channel, thread = self._channel(team, arguments), arguments.get("thread_ts", "")
        if not thread or not self._slack.find(channel, thread):
            raise Refused("invalid_thread_ts")
        if not self._slack.channels[channel].direct:
            for name in ("recipient_team_id", "recipient_user_id"):
                if not arguments.get(name):
                    raise Refused(f"missing_{name}")
        self._slack.expire_streams()
        if any(m.streaming and m.thread == thread for m in self._slack.messages[channel]):
            raise Refused("streaming_state_conflict")
        self._check(arguments)
        message = self._post(team, channel, {}, thread=thread)
        message.streaming = message.streamed = True
        self._grow(message, arguments)
        return {"channel": channel, "ts": message.ts}

    async def chat_append_stream(self, team: Team, arguments: Json) -> Json:
        message = self._streaming(team, arguments)
        if not arguments.get("markdown_text") and not arguments.get("chunks"):
            raise Refused("no_text")
        self._grow(message, arguments)
        return {"channel": message.channel, "ts": message.ts}

    async def chat_stop_stream(self, team: Team, arguments: Json) -> Json:
        message = self._streaming(team, arguments)
        self._grow(message, arguments)
        message.blocks += arguments.get("blocks") or []
        message.streaming = False
        message.finished = time.monotonic()
        self._slack.statuses.pop((message.channel, message.thread), None)
        return {"channel": message.channel, "ts": message.ts, "message": message.payload()}

    def _streaming(self, team: Team, arguments: Json) -> Posted:
        self._slack.expire_streams()
        message = self._own(team, arguments, "message_not_owned_by_app")
        if not message.streaming:
            raise Refused("message_not_in_streaming_state")
        self._check(arguments)
        return message

    def _grow(self, message: Posted, arguments: Json) -> None:
        before = len(message.text)
        message.text += arguments.get("markdown_text") or ""
        for chunk in arguments.get("chunks") or []:
            match chunk["type"]:
                case "markdown_text":
                    message.text += chunk["text"]
                case "blocks":
                    message.blocks += chunk["blocks"]
                case _:
                    message.tasks[chunk.get("id", "plan")] = chunk
        message.finished = time.monotonic()
        if len(message.text) > before:
            message.versions.append(message.text)
            self._slack.statuses.pop((message.channel, message.thread), None)

    # -- the agent view

    async def assistant_threads_set_status(self, team: Team, arguments: Json) -> Json:
        channel = self._channel(team, arguments, "channel_id")
        place = (channel, arguments.get("thread_ts", ""))
        if not place[1]:
            raise Refused("invalid_thread_ts")
        if len(arguments.get("loading_messages") or []) > 10:
            raise Refused("invalid_arguments")
        if status := arguments.get("status", ""):
            self._slack.statuses[place] = (status, time.monotonic() + STATUS_LASTS_S)
            self._slack.status_times.setdefault(place, []).append(time.monotonic())
        else:
            self._slack.statuses.pop(place, None)
        return {}

    async def assistant_threads_set_title(self, team: Team, arguments: Json) -> Json:
        channel = self._channel(team, arguments, "channel_id")
        self._slack.titles[channel, arguments.get("thread_ts", "")] = arguments.get("title", "")
        return {}

    async def assistant_threads_set_suggested_prompts(self, team: Team, arguments: Json) -> Json:
        channel = self._channel(team, arguments, "channel_id")
        prompts = arguments.get("prompts") or []
        if not 1 <= len(prompts) <= 4 or any(not p.get("title") or not p.get("message") for p in prompts):
            raise Refused("invalid_arguments")
        self._slack.prompts[channel] = prompts
        return {}

    # -- views

    async def views_open(self, team: Team, arguments: Json) -> Json:
        on = self._slack.use_trigger(arguments.get("trigger_id", ""))
        if on is None:
            raise Refused("expired_trigger_id")
        return self._show(team, arguments, on)

    async def views_push(self, team: Team, arguments: Json) -> Json:
        return await self.views_open(team, arguments)

    async def views_update(self, team: Team, arguments: Json) -> Json:
        view = self._slack.views.get(arguments.get("view_id", ""))
        if view is None:
            raise Refused("not_found")
        if arguments.get("hash", view.hash) != view.hash:
            raise Refused("hash_conflict")
        self._check_view(arguments["view"])
        view.body, view.hash, view.errors = arguments["view"], str(int(view.hash) + 1), {}
        return {"view": view.payload()}

    async def views_publish(self, team: Team, arguments: Json) -> Json:
        view = arguments.get("view") or {}
        self._check_view(view)
        user = arguments.get("user_id", "")
        if user not in self._slack.members:
            raise Refused("user_not_found")
        home = View(self._slack.numbers.id("V"), view, user, team)
        self._slack.homes[team.id, user] = self._slack.views[home.id] = home
        return {"view": home.payload()}

    def _show(self, team: Team, arguments: Json, on: str) -> Json:
        self._check_view(arguments.get("view") or {})
        view = View(self._slack.numbers.id("V"), arguments["view"], on, team)
        self._slack.views[view.id] = view
        self._slack.modals.setdefault(on, []).append(view)
        return {"view": view.payload()}

    def _check_view(self, view: Json) -> None:
        if wrong := limits.of_view(view):
            self._slack.violations += wrong
            raise Refused("invalid_arguments", response_metadata={"messages": wrong})

    # -- places and files

    async def conversations_info(self, team: Team, arguments: Json) -> Json:
        channel = self._slack.channels[self._channel(team, arguments)]
        return {
            "channel": {
                "id": channel.id,
                "name": channel.name,
                "is_im": channel.direct,
                "is_channel": not channel.direct,
                "is_ext_shared": channel.shared,
                "is_member": team.bot_user in channel.members,
            }
        }

    async def conversations_members(self, team: Team, arguments: Json) -> Json:
        channel = self._slack.channels[self._channel(team, arguments)]
        return {"members": sorted(channel.members), "response_metadata": {"next_cursor": ""}}

    async def conversations_open(self, team: Team, arguments: Json) -> Json:
        member = self._slack.members.get(arguments.get("users", ""))
        if member is None:
            raise Refused("user_not_found")
        return {"channel": {"id": self._slack.dm_of(team, member.id).id}}

    async def files_info(self, team: Team, arguments: Json) -> Json:
        file = self._slack.files.get(arguments.get("file", ""))
        if file is None:
            raise Refused("file_not_found")
        return {"file": file[0]}

    async def files_get_upload_url_external(self, team: Team, arguments: Json) -> Json:
        identity = self._slack.numbers.id("F")
        about: Json = {"id": identity, "name": arguments["filename"], "size": int(arguments["length"])}
        self._slack.files[identity] = (about, b"")
        return {"file_id": identity, "upload_url": f"{self._slack.url}/upload/{identity}"}

    async def files_complete_upload_external(self, team: Team, arguments: Json) -> Json:
        named = [self._slack.files[one["id"]][0] for one in arguments["files"]]
        if channel := arguments.get("channel_id"):
            told = {"text": arguments.get("initial_comment", "")}
            message = self._post(team, channel, told, thread=arguments.get("thread_ts", ""))
            message.files = named
        return {"files": named}

    # -- what they share

    def _post(self, team: Team, channel: str, arguments: Json, *, thread: str, ephemeral: str = "") -> Posted:
        text = arguments.get("text") or arguments.get("markdown_text") or ""
        message = Posted(channel, self._slack.numbers.ts(), team.bot_user, text, thread)
        message.blocks, message.ephemeral, message.app = arguments.get("blocks") or [], ephemeral, True
        self._slack.messages[channel].append(message)
        return message

    def _channel(self, team: Team, arguments: Json, name: str = "channel") -> str:
        identity = arguments.get(name, "")
        if identity in self._slack.members:  # a user's id opens the DM, as in Slack
            return self._slack.dm_of(team, identity).id
        channel = self._slack.channels.get(identity)
        if channel is None or not self._slack.reaches(team, channel):
            raise Refused("channel_not_found")
        if team.bot_user not in channel.members:
            raise Refused("not_in_channel")
        return identity

    def _own(self, team: Team, arguments: Json, error: str) -> Posted:
        message = self._slack.find(self._channel(team, arguments), arguments.get("ts", ""))
        if message is None or message.ephemeral:
            raise Refused("message_not_found")
        if message.user != team.bot_user:
            raise Refused(error)
        return message

    def _check(self, arguments: Json) -> None:
        wrong = limits.of_message(arguments)
        if not wrong:
            return
        self._slack.violations += wrong
        long = next((w.split(":")[0] for w in wrong if w.startswith("msg_blocks_too_long")), "")
        error = long or ("invalid_blocks" if any("block" in w for w in wrong) else "msg_too_long")
        raise Refused(error, response_metadata={"messages": wrong})


def _profile(member: Member, team: Team) -> Json:
    return {
        "id": member.id,
        "team_id": member.team.id,
        "name": member.name,
        "deleted": False,
        "real_name": member.name.title(),
        "is_bot": member.bot,
        "is_stranger": member.team.id != team.id,
        "is_email_confirmed": True,
        "profile": {"real_name": member.name.title(), "display_name": member.name}
        | ({"email": member.email} if member.email else {}),
    }


def arguments_of(query: Json, form: Json, body: Json) -> Json:
    """However they came: in the address, as a form or as JSON; structures in forms are JSON texts."""
    flat = query | form
    parsed: Json = {}
    for key, value in flat.items():
        structured = key in {"blocks", "view", "files", "prompts", "chunks", "attachments", "metadata"}
        parsed[key] = json.loads(value) if structured else value
    return parsed | body
