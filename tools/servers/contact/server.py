"""contact: names, descriptions and schemas of its tools, bound to an office."""

from pathlib import Path

from tools.servers.contact import shapes
from tools.servers.contact.booking import changing, flow
from tools.servers.contact.booking.office import Office
from tools.servers.contact.effects.finishing import Finishing
from tools.servers.contact.people import Owner
from tools.servers.contact.single import Single
from tools.servers.serving import Asker, ServedTool, resumable, served
from tools.servers.shapes import Manifest, ToolShape, read_manifest

FIND_SLOTS = ToolShape(
    name="calendar.find_slots",
    title="Find free times",
    description=(
        "Find times at which everybody named is free, within business hours, holidays and buffers. To book a "
        "meeting for the person who asks, call meetings.book instead: it finds the times itself."
    ),
    takes=shapes.FindSlots,
    gives=shapes.Slots,
)
CREATE_EVENT = ToolShape(
    name="calendar.create_event",
    title="Put an event into the calendar",
    description=(
        "Put an event into the calendar, once per idempotency_key. Needs the consent_record_id of a booking "
        "of the same person. A time that has been taken meanwhile is refused with three others."
    ),
    takes=shapes.CreateEvent,
    gives=shapes.CreatedEvent,
    read_only=False,
)
SEND = ToolShape(
    name="email.send",
    title="Send an e-mail",
    description=(
        "Send an e-mail, once per idempotency_key. Needs the consent_record_id of a booking of the same "
        "person. Where the mail system does not answer it is queued for up to an hour."
    ),
    takes=shapes.SendEmail,
    gives=shapes.SentEmail,
    read_only=False,
)
UPSERT = ToolShape(
    name="crm.upsert_lead",
    title="Enter a lead",
    description=(
        "Enter a person into the CRM, or update them; once per idempotency_key. Needs the record_id of a "
        "consent of the same person. Where the CRM is late, the lead is captured and entered later."
    ),
    takes=shapes.UpsertLead,
    gives=shapes.UpsertedLead,
    read_only=False,
)
BOOK = ToolShape(
    name="meetings.book",
    title="Book a meeting",
    description=(
        "Book a meeting for the person who asks. Pass what they have said already (topic, with, window in "
        "their own words, duration_min, service) and nothing else; the tool itself asks them for the rest, "
        "offers times, asks for confirmation, and then writes calendar, e-mail and CRM."
    ),
    takes=shapes.BookMeeting,
    gives=shapes.Booked,
    read_only=False,
)
LIST = ToolShape(
    name="meetings.list",
    title="My meetings",
    description="List the coming meetings that the person has booked here.",
    takes=shapes.ListMeetings,
    gives=shapes.Meetings,
)
CANCEL = ToolShape(
    name="meetings.cancel",
    title="Cancel a meeting",
    description=(
        "Cancel a meeting that the person has booked here. Pass booking_id where it is known, else `which` "
        "in the person's own words (on Friday, with Dana). The tool asks for confirmation itself."
    ),
    takes=shapes.CancelMeeting,
    gives=shapes.Changed,
    read_only=False,
)
RESCHEDULE = ToolShape(
    name="meetings.reschedule",
    title="Move a meeting",
    description=(
        "Move a meeting that the person has booked here to another time. Pass booking_id where it is known, "
        "else `which`, and `window` in the person's own words. The tool offers times and asks to confirm."
    ),
    takes=shapes.RescheduleMeeting,
    gives=shapes.Changed,
    read_only=False,
)
SHAPES = (FIND_SLOTS, CREATE_EVENT, SEND, UPSERT, BOOK, LIST, CANCEL, RESCHEDULE)


def manifest() -> Manifest:
    return read_manifest(Path(__file__).parent)


def tools_of(office: Office, finishing: Finishing) -> tuple[ServedTool, ...]:
    """Bound to the office, for whichever transport."""
    single = Single(office, finishing)

    async def find_slots(asker: Asker, request: shapes.FindSlots) -> shapes.Slots:
        owner = Owner.of(asker.principal)
        return await office.systems.ask_calendar(lambda: office.desk.tool(owner, request))

    async def listing(asker: Asker, request: shapes.ListMeetings) -> shapes.Meetings:
        return await changing.listing(office, asker, request)

    return (
        served(FIND_SLOTS, find_slots),
        served(CREATE_EVENT, single.create_event),
        served(SEND, single.send_email),
        served(UPSERT, single.upsert_lead),
        resumable(BOOK, lambda asker, request, resumed: flow.book(office, asker, request, resumed)),
        served(LIST, listing),
        resumable(CANCEL, lambda asker, request, resumed: changing.cancel(office, asker, request, resumed)),
        resumable(
            RESCHEDULE, lambda asker, request, resumed: changing.reschedule(office, asker, request, resumed)
        ),
    )
