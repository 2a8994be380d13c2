"""What was said in a run that waits: as JSON, without the text of documents, and back."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, cast

from agent_framework import AgentResponse, Content, Message

from platform_api.agents.errors import CannotGoOn

VERSION = 1
_OF_DOCUMENTS = ("docs.", "kg.", "verify.")
"""Tools whose results quote documents. Access may be taken away while a person thinks, so that these are
not kept: they are called again, as whoever asks is then."""
Call = Callable[[str, dict[str, Any]], Awaitable[str]]


def state_of(asked: Sequence[Message], response: AgentResponse[Any], call_id: str) -> dict[str, Any]:
    """asked: what the model was given. call_id: of the call that waits."""
    told = [message for one in response.messages if (message := _told(one)) is not None]
    return {
        "version": VERSION,
        "call_id": call_id,
        "messages": [message.to_dict(exclude_none=True) for message in _without_documents([*asked, *told])],
    }


def check(state: Mapping[str, Any]) -> None:
    """Before the call is made again, which cannot be undone. Raises CannotGoOn."""
    if state.get("version") != VERSION:
        raise CannotGoOn


async def messages_in(state: Mapping[str, Any], call: Call) -> tuple[list[Message], str]:
    """The messages so far, and the id of the call that waits. What documents said is asked for again."""
    messages = [Message.from_dict(one) for one in state["messages"]]
    calls = _calls(messages)
    for content in _results(messages):
        made = calls.get(content.call_id or "")
        if made is not None and _is_of_documents(made):
            told = await call(str(made.name), _arguments(made))
            content.result, content.items = told, [Content.from_text(told)]
    return messages, str(state["call_id"])


def _told(message: Message) -> Message | None:
    """Without the request itself, which no provider knows."""
    kept = [content for content in message.contents if not content.user_input_request]
    return Message(message.role, kept) if kept else None


def _without_documents(messages: Sequence[Message]) -> list[Message]:
    quoting = {id for id, call in _calls(messages).items() if _is_of_documents(call)}
    return [
        Message(
            message.role,
            [
                Content.from_function_result(content.call_id or "", result="")
                if content.type == "function_result" and content.call_id in quoting
                else content
                for content in message.contents
            ],
        )
        for message in messages
    ]


def _calls(messages: Sequence[Message]) -> dict[str, Content]:
    found = (content for message in messages for content in message.contents)
    return {str(content.call_id): content for content in found if content.type == "function_call"}


def _results(messages: Sequence[Message]) -> list[Content]:
    found = (content for message in messages for content in message.contents)
    return [content for content in found if content.type == "function_result"]


def _is_of_documents(call: Content) -> bool:
    return str(call.name).startswith(_OF_DOCUMENTS)


def _arguments(call: Content) -> dict[str, Any]:
    """As the model wrote them; a model may write anything."""
    given: Any = call.arguments
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            given = {}
    return cast(dict[str, Any], given) if isinstance(given, dict) else {}
