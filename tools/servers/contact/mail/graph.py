"""Mail through Microsoft Graph: a draft that bears the letter's key, then one request that sends it.

A draft can be sent once only, and `sent` finds it by its key, so a crash at any point is followed by what was
missing and no more.
"""

from base64 import b64encode
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import httpx

from kit.clock import Clock
from kit.errors import Unavailable
from tools.servers.contact.graph import Graph, GraphRefused, segment
from tools.servers.contact.mail.errors import MailRefused, MailUnavailable
from tools.servers.contact.mail.message import compose, letter_id, message_id
from tools.servers.contact.mail.port import Letter, Sent
from tools.servers.contact.people import Owner, Person

_PROPERTY: Final = "String {6f3d1c1e-6a4e-4e39-9d0f-5d1f0f3c7b52} Name SwitchboardLetter"
_SELECT: Final = "id,isDraft,internetMessageId,conversationId,sentDateTime"
# Ids that stay the same when a message moves from Drafts to Sent Items.
_IMMUTABLE: Final = {"prefer": 'IdType="ImmutableId"'}


@dataclass(frozen=True, slots=True)
class GraphMail:
    """sender: the mailbox that the application may write in (Mail.ReadWrite, Mail.Send)."""

    graph: Graph
    sender: Person
    clock: Clock

    async def send(self, owner: Owner, letter: Letter) -> Sent:
        """Implements Mail.send."""
        message = compose(owner, letter, self.sender, self.clock.now(), with_bcc=True)
        with _as_mail():
            found = await self._find(owner, letter.key)
            if found is None:
                found = await self._draft(owner, letter.key, message.as_bytes())
            if not found["isDraft"]:
                return self._told(found)
            return await self._send(owner, letter.key, found)

    async def sent(self, owner: Owner, key: str) -> Sent | None:
        """Implements Mail.sent. A draft that was left is not sent: `send` takes it up."""
        with _as_mail():
            found = await self._find(owner, key)
        return self._told(found) if found and not found["isDraft"] else None

    async def _find(self, owner: Owner, key: str) -> dict[str, Any] | None:
        """What was sent before what was not."""
        value = letter_id(owner, key)
        where = f"singleValueExtendedProperties/any(p:p/id eq '{_PROPERTY}' and p/value eq '{value}')"
        answer = await self.graph.call(
            "GET",
            self._path(),
            params={"$filter": where, "$select": _SELECT, "$top": "10"},
            headers=_IMMUTABLE,
        )
        found: list[dict[str, Any]] = _taken(answer, 200).json()["value"]
        return min(found, key=lambda one: bool(one["isDraft"]), default=None)

    async def _draft(self, owner: Owner, key: str, message: bytes) -> dict[str, Any]:
        """From the whole message (MIME): Graph's own JSON has no place for an invitation's alternative."""
        headers = {"content-type": "text/plain", **_IMMUTABLE}
        made = await self.graph.call("POST", self._path(), content=b64encode(message), headers=headers)
        draft: dict[str, Any] = _taken(made, 201).json()
        marks = {
            "internetMessageId": message_id(owner, key, self.sender),
            "singleValueExtendedProperties": [{"id": _PROPERTY, "value": str(letter_id(owner, key))}],
        }
        marked = await self.graph.call("PATCH", self._path(draft["id"]), json=marks, headers=_IMMUTABLE)
        return _taken(marked, 200).json()

    async def _send(self, owner: Owner, key: str, draft: dict[str, Any]) -> Sent:
        answer = await self.graph.call("POST", f"{self._path(draft['id'])}/send", headers=_IMMUTABLE)
        if answer.status_code == 404:
            # Somebody was faster: a draft that is gone has been sent.
            found = await self._find(owner, key)
            if found and not found["isDraft"]:
                return self._told(found)
            raise MailUnavailable()
        _taken(answer, 202)
        return Sent(draft["internetMessageId"], draft.get("conversationId"), self.clock.now())

    def _told(self, message: dict[str, Any]) -> Sent:
        at = message.get("sentDateTime")
        moment = datetime.fromisoformat(at) if at else self.clock.now()
        return Sent(message["internetMessageId"], message.get("conversationId"), moment)

    def _path(self, message: str = "") -> str:
        path = f"/users/{segment(self.sender.email)}/messages"
        return f"{path}/{segment(message)}" if message else path


def _taken(answer: httpx.Response, status: int) -> httpx.Response:
    """What Graph says about the error may name addresses: only its code is told."""
    if answer.status_code == status:
        return answer
    if answer.status_code in {408, 409, 412, 423}:
        raise MailUnavailable()
    raise MailRefused(f"Microsoft Graph answered {answer.status_code}.")


@contextmanager
def _as_mail() -> Generator[None]:
    try:
        yield
    except MailUnavailable:
        raise
    except Unavailable as error:
        raise MailUnavailable(retry_after=error.retry_after) from error
    except GraphRefused as error:
        raise MailRefused(error.detail, hint=error.hint) from error
