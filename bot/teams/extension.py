"""The message extension: find a document from any chat, ask about any message (SPEC 1).

What is found is found for the person who searches, and their list alone shows what it says. What they then
put into a chat carries title and link only: who may open it the platform decides for each reader.
"""

from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any, Final, cast
from urllib.parse import urljoin

import structlog
from pydantic import ValidationError
from switchboard_sdk import ApiError, Switchboard

from bot.core.plain import opens, shortened, visible
from bot.teams.cards.elements import Card, attachment, buttons, card, heading, linked, open_page, quoted, rich
from bot.teams.cards.texts import plain
from kit.wire.interactions import Interaction
from kit.wire.search import FoundChunk, SearchResult

log = structlog.get_logger()
Json = dict[str, Any]
SEARCH: Final = "searchDocuments"
ASK_ABOUT: Final = "askAbout"
QUESTION: Final = "question"
_FOUND: Final = 10
_QUERY, _ABOUT, _QUESTION = 1_000, 3_000, 4_000


class Extension:
    """base_url: where the platform answers; addresses of documents may be relative to it."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url

    async def found(self, them: Switchboard, value: Mapping[str, Any]) -> Json:
        """Of composeExtension/query."""
        query = _query(value)
        if not query:
            return _message("Write what you are looking for: I search the documents that you can see.")
        try:
            outcome = await them.tools.invoke("docs.search", {"query": query, "top_k": 2 * _FOUND})
        except ApiError as error:
            log.warning("teams.search_troubled", code=error.problem.code)
            return _message(f"{error.problem.detail} {error.problem.hint}")
        if isinstance(outcome, Interaction) or outcome.is_error or outcome.structured is None:
            return _message("I cannot search at the moment. Please try again in a minute.")
        try:
            found = SearchResult.model_validate(outcome.structured)
        except ValidationError:
            return _message("I cannot search at the moment. Please try again in a minute.")
        return self._listed(found)

    def _listed(self, found: SearchResult) -> Json:
        """Each section of a document once."""
        places: dict[tuple[str, str], FoundChunk] = {}
        for chunk in found.chunks:
            places.setdefault((str(chunk.metadata.doc_id), chunk.metadata.section_title), chunk)
        if not places:
            return _message("I found nothing in the documents that you can see.")
        listed = [self._attached(chunk) for chunk in list(places.values())[:_FOUND]]
        return {"composeExtension": {"type": "result", "attachmentLayout": "list", "attachments": listed}}

    def _attached(self, chunk: FoundChunk) -> Json:
        title, section = _named(chunk)
        preview = {
            "title": plain(title),
            "subtitle": plain(section),
            "text": plain(shortened(chunk.content, 200)),
        }
        shown = {"contentType": "application/vnd.microsoft.card.thumbnail", "content": preview}
        return {**attachment(self._card(chunk)), "preview": shown}

    def _card(self, chunk: FoundChunk) -> Card:
        title, section = _named(chunk)
        url = urljoin(self._base_url, chunk.metadata.source_url)
        place = f"{title} › {section}" if section and section != title else title
        page = list(open_page("Open the document", url)) if opens(url) else []
        return card([heading(title), rich(linked(url, place)), *map(buttons, page)], spoken=place)

    def ask_about(self, value: Mapping[str, Any], *, again: bool = False) -> Json:
        """Of composeExtension/fetchTask, on a message; again: there was no question in it."""
        text = _about(value) if again else _said(value)
        return {
            "task": {
                "type": "continue",
                "value": {
                    "title": "Ask about this",
                    "width": "medium",
                    "height": "medium",
                    "card": attachment(_ask_card(text)),
                },
            }
        }

    def asked(self, value: Mapping[str, Any]) -> tuple[str, str]:
        """Of composeExtension/submitAction: the question, and the whole text for the platform."""
        data = _object(value.get("data"))
        question = str(data.get(QUESTION) or "").strip()[:_QUESTION]
        about = _about(value)
        return question, f"{question}\n\nThe message that I ask about:\n{about}" if about else question


def _ask_card(about: str) -> Card:
    asked: Json = {
        "type": "Input.Text",
        "id": QUESTION,
        "label": "Your question",
        "placeholder": "What does this mean for me?",
        "isMultiline": True,
        "maxLength": _QUESTION,
        "isRequired": True,
        "errorMessage": "Please write what you want to know.",
    }
    # A dialogue takes Action.Submit only.
    submit = {"type": "Action.Submit", "title": "Ask", "data": {"about": about}}
    return card([*quoted(shortened(about, 600)), asked], [submit], spoken="Ask about this")


def _named(chunk: FoundChunk) -> tuple[str, str]:
    return shortened(chunk.metadata.page_title, 120) or "Document", shortened(
        chunk.metadata.section_title, 120
    )


def _query(value: Mapping[str, Any]) -> str:
    if value.get("commandId") != SEARCH:
        raise ValueError("no command of ours")
    parameters = cast(list[Any], value.get("parameters") or [])
    for parameter in map(_object, parameters):
        if parameter.get("name") == "query":
            return str(parameter.get("value") or "").strip()[:_QUERY]
    return ""


def _message(text: str) -> Json:
    return {"composeExtension": {"type": "message", "text": plain(shortened(text, 500))}}


def _about(value: Mapping[str, Any]) -> str:
    return str(_object(value.get("data")).get("about") or "")[:_ABOUT]


def _said(value: Mapping[str, Any]) -> str:
    """What the message says, as text."""
    if value.get("commandId") != ASK_ABOUT:
        raise ValueError("no command of ours")
    body = _object(_object(value.get("messagePayload")).get("body"))
    content = str(body.get("content") or "")
    return visible(text_of(content) if body.get("contentType") == "html" else content).strip()[:_ABOUT]


def _object(given: object) -> Json:
    return cast(Json, given) if isinstance(given, dict) else {}


class _Text(HTMLParser):
    _BREAKS: Final = frozenset({"p", "div", "br", "li", "tr", "h1", "h2", "h3"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        if self.cdata_elem is None:
            self.parts.append(data)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag in self._BREAKS:
            self.parts.append("\n")


def text_of(html: str) -> str:
    reader = _Text()
    reader.feed(html)
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.parts).split("\n"))
    return "\n".join(line for line in lines if line)
