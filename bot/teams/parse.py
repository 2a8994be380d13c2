"""Teams' activities → what happened. Pure; whatever is not for us, or is not of the agreed shape, is None.

Shapes: Bot Framework activities as Teams sends them. Who somebody is to us the platform decides; here only
those are told apart who can be nobody to us (`Foreign`).
"""

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast, get_args

from bot.teams.happened import (
    Added,
    Asked,
    Deleted,
    Edited,
    Event,
    File,
    Foreign,
    Kind,
    Removed,
    Where,
    Who,
)

Json = Mapping[str, Any]
CHANNEL: Final = "msteams"
FILE: Final = "application/vnd.microsoft.teams.file.download.info"
_KINDS: Final = frozenset(get_args(Kind))
_AT: Final = re.compile(r"<at(?:\s[^<>]*)?>(.*?)</at>", re.DOTALL | re.IGNORECASE)
_ID: Final = re.compile(r"[^\s/:]{1,120}")


def event_of(activity: Json) -> Event | None:
    """None: nothing for us (own messages, typing, reactions, messages of others that do not mention us)."""
    where = where_of(activity)
    if where is None:
        return None
    match _text(activity.get("type")):
        case "message":
            return _message(activity, where)
        case "messageUpdate":
            return _edited(activity, where)
        case "messageDelete":
            return Deleted(where) if where.activity else None
        case "installationUpdate":
            removed = _text(activity.get("action")).startswith("remove")
            return Removed(where) if removed else Added(where, who_of(activity, where))
        case "conversationUpdate":
            return _members(activity, where)
        case _:
            return None


def where_of(activity: Json) -> Where | None:
    conversation, data = _object(activity.get("conversation")), _object(activity.get("channelData"))
    identity, service = _text(conversation.get("id")), _text(activity.get("serviceUrl"))
    kind = _text(conversation.get("conversationType")) or "personal"
    tenant = _text(conversation.get("tenantId")) or _text(_object(data.get("tenant")).get("id"))
    if activity.get("channelId") != CHANNEL or not identity or not service or kind not in _KINDS:
        return None
    return Where(
        service,
        identity,
        cast(Kind, kind),
        tenant,
        _text(_object(activity.get("recipient")).get("id")),
        _text(activity.get("id")),
        _text(_object(data.get("team")).get("id")),
    )


def who_of(activity: Json, where: Where) -> Who | None:
    """None: nobody whom Entra knows (a bot, a webhook, an anonymous guest of a meeting)."""
    sender = _object(activity.get("from"))
    user, mri = _text(sender.get("aadObjectId")), _text(sender.get("id"))
    tenant = _text(sender.get("tenantId")) or where.tenant
    if not _ID.fullmatch(user) or not _ID.fullmatch(tenant) or not mri or _is_bot(sender):
        return None
    return Who(tenant, user, mri, _clean(_text(sender.get("name")))[:200])


def zone_of(activity: Json) -> str:
    """The person's time zone as IANA names it; "" where the activity says none."""
    for entity in map(_object, _list(activity.get("entities"))):
        if entity.get("type") == "clientInfo" and (zone := _text(entity.get("timezone"))):
            return zone
    return _text(activity.get("localTimezone"))


def said(activity: Json) -> str:
    """The message's text: the mention of us taken out, those of others as names."""
    text = activity.get("text")
    if not isinstance(text, str):
        return ""
    for mention in _mentions_of_us(activity):
        if written := _text(mention.get("text")):
            text = text.replace(written, " ")
    plain = html.unescape(_AT.sub(lambda found: found[1], text)).replace("\xa0", " ")
    return re.sub(r"[ \t]+", " ", _clean(plain).replace("\r\n", "\n")).strip()


def _message(activity: Json, where: Where) -> Asked | Foreign | None:
    sender = _object(activity.get("from"))
    if not where.activity or not _text(sender.get("id")) or sender.get("id") == where.bot:
        return None
    if not where.direct and not _mentions_of_us(activity):
        return None
    if activity.get("value") is not None and not _text(activity.get("text")):
        # Action.Submit of a card comes as a message without words: cards of ours use Action.Execute.
        return None
    who = who_of(activity, where)
    if who is None:
        return Foreign(where, _text(sender.get("id")), bot=_is_bot(sender))
    attachments = [_object(each) for each in _list(activity.get("attachments"))]
    images = sum(_text(each.get("contentType")).startswith("image/") for each in attachments)
    files = tuple(file for each in attachments if (file := _file(each)) is not None)
    text = said(activity)
    return Asked(who, where, text, files, images)


def _edited(activity: Json, where: Where) -> Edited | None:
    """Also a message that was deleted and comes back."""
    who = who_of(activity, where)
    if who is None or not where.activity:
        return None
    asked = where.direct or bool(_mentions_of_us(activity))
    return Edited(who, where, said(activity) if asked else "")


def _members(activity: Json, where: Where) -> Added | Removed | None:
    added = [_text(_object(one).get("id")) for one in _list(activity.get("membersAdded"))]
    removed = [_text(_object(one).get("id")) for one in _list(activity.get("membersRemoved"))]
    if where.bot and where.bot in added:
        return Added(where, who_of(activity, where) if where.direct else None)
    return Removed(where) if where.bot and where.bot in removed else None


def _mentions_of_us(activity: Json) -> list[Json]:
    ours = _text(_object(activity.get("recipient")).get("id"))
    entities = [_object(each) for each in _list(activity.get("entities"))]
    mentions = [each for each in entities if each.get("type") == "mention"]
    return [each for each in mentions if ours and _object(each.get("mentioned")).get("id") == ours]


def _file(attachment: Json) -> File | None:
    content = _object(attachment.get("content"))
    url = _text(content.get("downloadUrl"))
    if attachment.get("contentType") != FILE or not url:
        return None
    name = _clean(_text(attachment.get("name"))).replace("\n", " ").strip()[:255] or "file"
    return File(_text(content.get("uniqueId")) or name, name, url)


def _is_bot(sender: Json) -> bool:
    return sender.get("role") == "bot" or _text(sender.get("id")).startswith("28:")


def _clean(text: str) -> str:
    """Only what can be stored: no NUL, no half of a surrogate pair."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode()


def _object(value: object) -> dict[str, Any]:
    return cast(dict[str, Any], value) if isinstance(value, dict) else {}


def _list(value: object) -> Sequence[Any]:
    return cast(list[Any], value) if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
