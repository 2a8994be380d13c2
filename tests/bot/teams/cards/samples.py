"""One card of each kind, as people meet them."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from bot.core.reply import Answer, Trouble
from bot.teams import cards
from bot.teams.extension import Extension
from bot.teams.happened import Who
from kit.wire.channels import LinkState
from kit.wire.chat import Citation
from kit.wire.interactions import Form, Interaction

NOW = datetime(2026, 7, 28, 4, 30, tzinfo=UTC)
ID = UUID("0b7d2f0e-52ce-4d8f-9a55-0d0a3d2a7c11")
OTHER = UUID("5c0a2f7e-3b1d-4c1e-8e90-3b1c9d8f6a22")
MAYA = Who("7f0a5c1e-tenant", "6d2b8f4e-maya", "29:maya", "Maya Lind")
PROMPTS = [
    ("About “Annual leave”", "What does “Annual leave” say?"),
    ("What can you do?", "What can you do?"),
]
SLOTS = [
    {"const": "2026-12-01T10:00:00+11:00", "title": "Tue 1 December, 10:00–10:30"},
    {"const": "2026-12-01T13:30:00+11:00", "title": "Tue 1 December, 13:30–14:00"},
    {"const": "2026-12-02T09:00:00+11:00", "title": "Wed 2 December, 9:00–9:30"},
    {"const": "other", "title": "Other times"},
]
ROWS = [
    {"const": str(day), "title": f"Mon {day} November 2026, 09:00–09:30 (Australia/Sydney, UTC+11:00)"}
    for day in (9, 16, 23)
]
DECISION = [
    {"const": "book", "title": "Book it"},
    {"const": "other", "title": "Another time"},
    {"const": "stop", "title": "Do not book"},
]
MANY = [{"const": f"c{number}", "title": f"Course {number}: approach and landing"} for number in range(40)]
TIMES = [{"const": name, "title": name.title()} for name in ("morning", "noon", "evening")]
BOOKING: dict[str, Any] = {
    "name": {"type": "string", "title": "Your name", "default": "Maya Lind", "maxLength": 100},
    "email": {"type": "string", "title": "E-mail", "format": "email", "default": "maya@example.com"},
    "phone": {"type": "string", "title": "Phone", "description": "Only if we may call you", "maxLength": 40},
    "topic": {"type": "string", "title": "What is it about?", "maxLength": 500},
    "window": {
        "type": "string",
        "title": "When would suit you?",
        "description": "Such as next Tuesday afternoon",
    },
    "consent": {
        "type": "boolean",
        "title": "I agree that these details are kept for this booking (consent text 3)",
    },
}
EVERYTHING: dict[str, Any] = {
    **BOOKING,
    "people": {
        "type": "integer",
        "title": "People",
        "minimum": 1,
        "maximum": 10,
        "description": "You included",
    },
    "budget": {"type": "number", "title": "Budget"},
    "city": {
        "type": "string",
        "title": "City",
        "oneOf": [{"const": "MEL", "title": "Melbourne"}, {"const": "SYD", "title": "Sydney"}],
    },
    "course": {"type": "string", "title": "Course", "oneOf": MANY},
    "times": {
        "type": "array",
        "title": "Times of the day",
        "items": {"type": "string", "anyOf": TIMES},
        "minItems": 1,
        "default": ["noon"],
    },
    "day": {"type": "string", "title": "Day", "format": "date", "default": "2026-12-01"},
    "at": {
        "type": "string",
        "title": "Exactly",
        "format": "date-time",
        "default": "2026-12-01T10:00:00+11:00",
    },
    "page": {"type": "string", "title": "Your page", "format": "uri"},
}
MESSAGE = (
    'Allow this call?\n\nTool: "Remove" (files.remove)\nServer: files\n'
    "Risk: destructive: what it does may not be undone\nArguments:\n\n    {}"
)


def form(properties: dict[str, Any] | None = None, required: list[str] | None = None, **over: Any) -> Form:
    schema = {"type": "object", "properties": properties or {}, "required": required or []}
    given: dict[str, Any] = {"key": "k", "message": "Please tell me.", "requested_schema": schema}
    return Form.model_validate({**given, **over})


def asked(kind: str, *forms: Form, **over: Any) -> Interaction:
    given: dict[str, Any] = {
        "id": ID,
        "kind": kind,
        "status": "open",
        "title": "meetings.book asks you",
        "forms": [each.model_dump() for each in forms],
        "tool": "meetings.book",
        "created_at": NOW,
        "expires_at": NOW,
    }
    return Interaction.model_validate({**given, **over})


def choice(options: list[dict[str, str]], message: str, name: str = "slot") -> Interaction:
    return asked("choice", form({name: {"type": "string", "oneOf": options}}, [name], message=message))


def approval(arguments: dict[str, Any], message: str = MESSAGE, **over: Any) -> Interaction:
    remember = (
        {"remember": {"type": "boolean", "title": "for this conversation, too"}}
        if over.pop("remember", False)
        else {}
    )
    about = form(remember, message=message, tool="files.remove", arguments=arguments)
    return asked("approval", about, title="May files.remove be called?", tool="files.remove", **over)


def cited(n: int = 1, **over: Any) -> Citation:
    given: dict[str, Any] = {
        "n": n,
        "sentence": "Full-time staff get 3 weeks.",
        "doc_id": ID,
        "chunk_id": OTHER,
        "url": f"https://sb.example/api/v1/documents/{ID}/content?quote=3%20weeks#annual-leave",
        "title": "Leave",
        "section": "Annual leave",
        "page": 2,
        "quote": "Full-time staff get 3 weeks of leave.",
        "confidence": 0.97,
    }
    return Citation.model_validate({**given, **over})


def answered(citations: int = 2, degraded: tuple[str, ...] = ()) -> Answer:
    found = tuple(cited(number) for number in range(1, citations + 1))
    return Answer("answered", "You get 3 weeks. [1]", found, degraded, ID, OTHER, "r-1")


BOOKING_FORM = asked(
    "form",
    form(
        BOOKING,
        ["name", "email", "topic", "window", "consent"],
        message="To book a meeting about ACE training, I need a few details.",
    ),
)
SLOT_CHOICE = choice(SLOTS, "These times are free for you and Dana Reed (30 minutes, Australia/Melbourne).")
CONFIRM = choice(
    DECISION,
    "Shall I book this?\nTue 1 December, 10:00–10:30 (Australia/Melbourne)\n"
    "With Dana Reed, about ACE training\nThe invitation goes to maya@example.com.",
    "decision",
)
CONNECT = asked(
    "connect_account",
    Form(
        key="k",
        message="The calendar wants to know you.",
        url="https://login.example.com/oauth2/authorize?client_id=4711&scope=calendar.readwrite&state=c0ffee",
    ),
    title="calendar needs you to open a page",
)
ANSWERED = CONFIRM.model_copy(update={"status": "answered", "outcome": "accept", "answered_at": NOW})
SEARCHED: dict[str, Any] = {
    "chunks": [
        {
            "chunk_id": str(OTHER),
            "content": "Full-time staff get 3 weeks of leave, and more after five years.",
            "score": 0.9,
            "metadata": {
                "source_url": f"/api/v1/documents/{ID}/content#annual-leave",
                "source_hash": "0",
                "page_title": "Leave",
                "section_title": "Annual leave",
                "service_scope": "general",
                "chunk_index": 0,
                "doc_id": str(ID),
            },
        }
    ],
    "total_results": 1,
    "query_time_ms": 2.0,
}


def every_card() -> dict[str, dict[str, Any]]:
    """By name."""
    wrong = {"f0.1": "This is no e-mail address.", "f0.5": "Without it nothing can be booked."}
    typed = {"f0.0": "Maya Lind", "f0.1": "maya at example", "f0.3": "ACE training"}
    filled = cards.Filled(typed, wrong, "Australia/Melbourne")
    long = approval({"path": "/srv/reports", "lines": [f"line {number} of many" for number in range(300)]})
    asks = Extension("https://sb.example").ask_about(
        {
            "commandId": "askAbout",
            "messagePayload": {
                "body": {"contentType": "html", "content": "<p>The ACE training moves to <b>Tuesday</b>.</p>"}
            },
        }
    )
    expired = CONFIRM.model_copy(update={"status": "expired"})
    everything = asked("form", form(EVERYTHING, ["name", "times", "city"], message="All kinds of fields."))
    second = approval({"path": "/srv/reports/2025.xlsx"}, asked_of="second_person", mine_to_answer=False)
    return {
        "form": cards.asking(BOOKING_FORM, MAYA, False),
        "form_wrong": cards.asking(BOOKING_FORM, MAYA, False, filled=filled),
        "form_every_field": cards.asking(
            everything, MAYA, False, filled=cards.Filled(zone="Australia/Melbourne")
        ),
        "slots": cards.asking(SLOT_CHOICE, MAYA, False),
        "slots_as_rows": cards.asking(choice(ROWS, "These times are free."), MAYA, False),
        "many_options": cards.asking(choice(MANY, "Which course?"), MAYA, False),
        "confirm": cards.asking(CONFIRM, MAYA, False),
        "in_a_group": cards.asking(CONFIRM, MAYA, True),
        "approval": cards.asking(approval({"path": "/srv/reports/2025.xlsx", "force": False}), MAYA, False),
        "approval_remember": cards.asking(
            approval(
                {"to": "<at>everyone</at>"}, "Allow this call?\n\nRisk: write\nArguments:\n", remember=True
            ),
            MAYA,
            False,
        ),
        "approval_long": cards.asking(long, MAYA, False, page=1),
        "approval_second_person": cards.asking(second, MAYA, False),
        "connect_account": cards.asking(CONNECT, MAYA, False),
        "answered": cards.state(ANSWERED, False, by="Maya Lind", chosen="Book it"),
        "answered_in_a_group": cards.state(ANSWERED, True, by="Maya Lind"),
        "expired": cards.state(expired, False),
        "cancelled": cards.state(CONFIRM.model_copy(update={"status": "cancelled"}), False),
        "working": cards.working(ID, MAYA),
        "not_theirs": cards.not_theirs("Maya Lind"),
        "unreachable": cards.unreachable(
            "The platform does not answer. Try again in a minute.",
            "r-4711",
            "answer",
            {"interaction": str(ID), "action": "accept"},
        ),
        "answer": cards.answer(answered(24, ("kg",)), True) or {},
        "sources": cards.sources(
            [cited(1), cited(2, title="Travel", section="Abroad", page=None, confidence=0.9)]
        ),
        "trouble": cards.trouble(
            Trouble("unavailable", "The model does not answer.", "Try again in a minute.", "r-1", True), True
        ),
        "welcome": cards.welcome(PROMPTS, "Maya"),
        "welcome_in_a_channel": cards.welcome(PROMPTS, direct=False),
        "help": cards.help_(PROMPTS),
        "link": cards.link(
            LinkState(identity=MAYA.identity, linked=False, code="WXYZ-2345-KLMN", expires_at=NOW),
            "https://sb.example",
        ),
        "booked": cards.booked(
            {
                "what": "confirmed",
                "text": "Your meeting with Dana Reed is booked: Tue 1 December 2026, 10:00–10:30"
                " (Australia/Melbourne).\nThe invitation is on its way to maya@example.com.",
                "start": "2026-12-01T10:00:00+11:00",
                "host": "Dana Reed",
                "topic": "ACE training",
                "location": "Room 4, or online",
            }
        ),
        "job_done": cards.job({"kind": "ingest", "status": "succeeded", "good": 3, "total": 3}),
        "quarantined": cards.quarantined({"tool": "files.remove", "server": "files"}),
        "notice": cards.notice("I answer people only, not bots. Nothing was done."),
        "ask_about": asks["task"]["value"]["card"]["content"],
    }
