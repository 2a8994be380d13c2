"""Slack's payloads → what happened. Pure; whatever is not for us, or is not of the agreed shape, is None.

Shapes: Slack's Events API, `block_actions`, `view_submission`, `message_action` and slash command payloads.
Who somebody is to us the platform decides; here only strangers are told apart (`Foreign`).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast, get_args

from bot.slack.happened import (
    ASK_ABOUT,
    SAVE,
    Asked,
    ChatOpened,
    Command,
    Deleted,
    Edited,
    Event,
    File,
    Foreign,
    HomeOpened,
    Press,
    Pressed,
    Shortcut,
    Submitted,
    Uninstalled,
    Verb,
    Where,
    Who,
)
from bot.slack.said import mentions, said

Json = Mapping[str, Any]
QUESTIONS: Final = frozenset(("", "file_share", "me_message", "thread_broadcast"))
"""Subtypes of messages that people write."""
SHORTCUTS: Final = (ASK_ABOUT, SAVE)
COMMANDS: Final[tuple[Verb, ...]] = get_args(Verb)
_PRESSES: Final = frozenset(get_args(Press))
_GONE_FILES: Final = frozenset(("tombstone", "hidden_by_limit"))


def event_of(body: Json, bot_user: str) -> Event | None:
    """`body` is an `event_callback`. None: nothing for us (own messages, other subtypes, bots in direct
    messages, messages in channels without a mention, a link that was unfurled)."""
    event = _object(body.get("event"))
    match _text(event.get("type")):
        case "app_mention":
            return _mentioned(body, event, _bot(body, bot_user))
        case "message":
            return _message(body, event, _bot(body, bot_user))
        case "app_home_opened":
            return _opened(body, event)
        case "app_uninstalled":
            return Uninstalled(_team(body), _event_id(body))
        case "tokens_revoked":
            bots = _list(_object(event.get("tokens")).get("bot"))
            return Uninstalled(_team(body), _event_id(body)) if bots else None
        case _:
            return None


def command_of(body: Json) -> Command | None:
    """`where.direct` is False in any case: a command's D… channel may belong to two other people."""
    verb = _text(body.get("command")).removeprefix("/")
    user, channel = _text(body.get("user_id")), _text(body.get("channel_id"))
    if verb not in COMMANDS or not user or not channel:
        return None
    team, enterprise = _text(body.get("team_id")), _text(body.get("enterprise_id"))
    install = enterprise if _is_true(body.get("is_enterprise_install")) and enterprise else team
    return Command(
        verb,
        said(body.get("text")),
        Who(enterprise or team, user, team),
        Where(install, channel, enterprise=enterprise),
        _text(body.get("trigger_id")),
        _text(body.get("response_url")),
    )


def shortcut_of(body: Json) -> Shortcut | None:
    """Of `message_action`: a shortcut on a message."""
    callback, who = _text(body.get("callback_id")), _presser(body)
    message = _object(body.get("message"))
    channel = _text(_object(body.get("channel")).get("id"))
    ts = _text(message.get("ts")) or _text(body.get("message_ts"))
    if body.get("type") != "message_action" or callback not in SHORTCUTS or not (who and channel and ts):
        return None
    return Shortcut(
        callback,
        who,
        Where(_installed(body), channel, ts, _text(message.get("thread_ts")) or ts, enterprise=_grid(body)),
        said(_whole_text(message)),
        _files(message),
        _text(body.get("trigger_id")),
        _text(body.get("response_url")),
    )


def pressed_of(body: Json) -> Pressed | None:
    """Of `block_actions`: the first action."""
    found = _list(body.get("actions"))
    action, who = _object(found[0]) if found else {}, _presser(body)
    if body.get("type") != "block_actions" or not action or who is None:
        return None
    press = _text(action.get("action_id")).partition(":")[0]
    container = _object(body.get("container"))
    return Pressed(
        cast(Press, press) if press in _PRESSES else "none",
        _unpacked(action.get("value") or _object(action.get("selected_option")).get("value")),
        who,
        _installed(body),
        _pressed_where(body, container),
        _text(body.get("trigger_id")),
        _text(body.get("response_url")),
        _is_true(container.get("is_ephemeral")),
    )


def submitted_of(body: Json) -> Submitted | None:
    """Of `view_submission`."""
    view, who = _object(body.get("view")), _presser(body)
    if body.get("type") != "view_submission" or who is None or not view:
        return None
    return Submitted(
        _text(view.get("callback_id")),
        _unpacked(view.get("private_metadata")),
        _object(_object(view.get("state")).get("values")),
        who,
        _installed(body),
        _text(body.get("trigger_id")),
    )


def _mentioned(body: Json, event: Json, bot: str) -> Event | None:
    if _text(event.get("channel")).startswith("D"):
        # The message event of the same message asks.
        return None
    question = _question(body, event, bot, direct=False)
    if isinstance(question, Asked) and event.get("edited"):
        return Edited(question.who, question.where, question.text, question.event_id, mentions=True)
    return question


def _message(body: Json, event: Json, bot: str) -> Event | None:
    direct = _is_direct(event)
    subtype = _text(event.get("subtype"))
    if subtype == "message_changed":
        return _changed(body, event, bot)
    if subtype == "message_deleted":
        before = _object(event.get("previous_message"))
        return None if _is_ours(before, bot) else _deleted(body, event, event.get("deleted_ts"))
    if not direct or subtype not in QUESTIONS or _is_bot(event):
        return None
    return _question(body, event, bot, direct=True)


def _question(body: Json, event: Json, bot: str, *, direct: bool) -> Asked | Foreign | None:
    user, ts = _text(event.get("user")), _text(event.get("ts"))
    if not ts or not _text(event.get("channel")) or _is_ours(event, bot):
        return None
    who, where = _who(body, event, user), _where(body, event, ts, direct)
    if _is_bot(event) or not user:
        return Foreign(who, where, _event_id(body), bot=True)
    if _is_stranger(body, event):
        return Foreign(who, where, _event_id(body))
    return Asked(who, where, said(event.get("text"), [bot]), _event_id(body), _files(event))


def _changed(body: Json, event: Json, bot: str) -> Edited | Deleted | None:
    message, before = _object(event.get("message")), _object(event.get("previous_message"))
    if _text(message.get("subtype")) == "tombstone":
        # A thread's first message is not taken away, it becomes this.
        return None if _is_ours(before, bot) else _deleted(body, event, message.get("ts"))
    ts, user = _text(message.get("ts")), _text(message.get("user"))
    unchanged = message.get("text") == before.get("text")
    if unchanged or not ts or not user or _is_ours(message, bot) or _is_bot(message):
        return None
    place = {**message, "channel": event.get("channel"), "channel_type": event.get("channel_type")}
    direct = _is_direct(event)
    text = said(message.get("text"), [bot]) if direct or mentions(message.get("text"), bot) else ""
    return Edited(_who(body, message, user), _where(body, place, ts, direct), text, _event_id(body))


def _deleted(body: Json, event: Json, ts: object) -> Deleted | None:
    before = _object(event.get("previous_message"))
    place = {"channel": event.get("channel"), "thread_ts": before.get("thread_ts")}
    if not _text(ts) or not _text(event.get("channel")):
        return None
    return Deleted(_where(body, place, _text(ts), _is_direct(event)), _event_id(body))


def _opened(body: Json, event: Json) -> HomeOpened | ChatOpened | None:
    user, channel = _text(event.get("user")), _text(event.get("channel"))
    if not user:
        return None
    who = _who(body, event, user)
    if event.get("tab") == "messages":
        where = Where(_team(body), channel, direct=True, enterprise=_enterprise(body))
        return ChatOpened(who, where, _event_id(body)) if channel else None
    return HomeOpened(who, _team(body), _event_id(body))


def _who(body: Json, event: Json, user: str) -> Who:
    homes = list(_homes(event))
    return Who(_enterprise(body) or _team(body), user, homes[0] if homes else "")


def _where(body: Json, event: Json, ts: str, direct: bool) -> Where:
    thread = _text(event.get("thread_ts")) or ts
    return Where(_team(body), _text(event.get("channel")), ts, thread, direct, _enterprise(body))


def _homes(event: Json) -> Iterator[str]:
    """What the payload says of the writer's own team: the surest first."""
    profile = _object(event.get("user_profile"))
    for found in (event.get("user_team"), event.get("source_team"), profile.get("team"), event.get("team")):
        if team := _text(found):
            yield team


def _is_stranger(body: Json, event: Json) -> bool:
    """Somebody of another company. In a channel that nobody outside reads, another team of the same
    enterprise is no stranger; in a shared one only the team itself and the enterprise are known."""
    team, enterprise = _team(body), _enterprise(body)
    ours = {team, enterprise} - {""}
    shared = _is_true(body.get("is_ext_shared_channel"))
    if not shared and enterprise:
        return False
    return any(home not in ours for home in _homes(event))


def _team(body: Json) -> str:
    """Whose token answers: the team's, or the enterprise's where it installed us for all its teams."""
    grant = _grant(body)
    if _is_true(grant.get("is_enterprise_install")) and (enterprise := _enterprise(body)):
        return enterprise
    return _text(grant.get("team_id")) or _text(body.get("team_id"))


def _enterprise(body: Json) -> str:
    grant = _grant(body)
    return _text(grant.get("enterprise_id")) if grant else _text(body.get("enterprise_id"))


def _grant(body: Json) -> Json:
    grants = _list(body.get("authorizations"))
    return _object(grants[0]) if grants else {}


def _bot(body: Json, bot_user: str) -> str:
    grant = _grant(body)
    return bot_user or (_text(grant.get("user_id")) if _is_true(grant.get("is_bot")) else "")


def _is_ours(message: Json, bot: str) -> bool:
    return bool(bot) and message.get("user") == bot


def _is_bot(message: Json) -> bool:
    named = message.get("bot_id") or message.get("bot_profile")
    return bool(named) or message.get("subtype") == "bot_message"


def _is_direct(event: Json) -> bool:
    return event.get("channel_type") == "im" or _text(event.get("channel")).startswith("D")


def _event_id(body: Json) -> str:
    return _text(body.get("event_id"))


def _presser(body: Json) -> Who | None:
    user = _object(body.get("user"))
    name, home = _text(user.get("id")), _text(user.get("team_id"))
    workspace = _grid(body) or _text(_object(body.get("team")).get("id")) or home
    return Who(workspace, name, home) if name and workspace else None


def _grid(body: Json) -> str:
    return _text(_object(body.get("enterprise")).get("id"))


def _installed(body: Json) -> str:
    if _is_true(body.get("is_enterprise_install")) and (enterprise := _grid(body)):
        return enterprise
    team = _text(_object(body.get("team")).get("id"))
    return team or _text(_object(body.get("user")).get("team_id"))


def _pressed_where(body: Json, container: Json) -> Where | None:
    channel = _text(_object(body.get("channel")).get("id")) or _text(container.get("channel_id"))
    message = _object(body.get("message"))
    ts = _text(container.get("message_ts")) or _text(message.get("ts"))
    if not channel or not ts:
        return None
    thread = _text(container.get("thread_ts")) or _text(message.get("thread_ts")) or ts
    return Where(_installed(body), channel, ts, thread, channel.startswith("D"), _grid(body))


def _files(message: Json) -> tuple[File, ...]:
    """`url` is "" where Slack does not hold the file, or no longer does."""
    return tuple(_file(found) for each in _list(message.get("files")) if (found := _object(each)).get("id"))


def _file(found: Json) -> File:
    away = _is_true(found.get("is_external")) or _text(found.get("mode")) in _GONE_FILES
    url = _text(found.get("url_private_download")) or _text(found.get("url_private"))
    name = said(found.get("name")) or said(found.get("title")) or "file"
    size = found.get("size")
    return File(
        _text(found.get("id")),
        name.replace("\n", " ")[:255],
        "" if away else url,
        size if isinstance(size, int) and size > 0 else 0,
        _text(found.get("mimetype")),
    )


def _whole_text(message: Json) -> str:
    """Many apps say what they say in attachments only."""
    own = _text(message.get("text"))
    others = (_object(each) for each in _list(message.get("attachments")))
    return own or "\n".join(filter(None, (_text(one.get("text") or one.get("fallback")) for one in others)))


def _unpacked(value: object) -> dict[str, Any]:
    if not isinstance(value, str):
        return {}
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return {}
    return cast(dict[str, Any], found) if isinstance(found, dict) else {}


def _object(value: object) -> dict[str, Any]:
    return cast(dict[str, Any], value) if isinstance(value, dict) else {}


def _list(value: object) -> Sequence[Any]:
    return cast(list[Any], value) if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _is_true(value: object) -> bool:
    """Slash commands are forms: there it is a word."""
    return value is True or value == "true"
