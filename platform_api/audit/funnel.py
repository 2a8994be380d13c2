"""How far bookings come, counted from what the contact server reports (SPEC 12): by step and channel, with
nobody's name. A report that comes again is none: its id is known."""

from prometheus_client import Counter

from kit.wire.channels import CHANNELS
from kit.wire.contact import STEP, BookingStep
from kit.wire.internal import AuditEvent

bookings_total = Counter(
    "switchboard_bookings_total",
    "Bookings by the step that they came to (started, form, slot, confirmed; abandoned, cancelled, moved).",
    ["step", "channel"],
)
_ELSEWHERE = "api"


def count(event: AuditEvent) -> None:
    """Anything but a booking's step, and a step that we do not know, counts nothing."""
    if event.type != STEP:
        return
    try:
        step = BookingStep.model_validate(event.data)
    except ValueError:
        return
    bookings_total.labels(step.step, step.channel if step.channel in CHANNELS else _ELSEWHERE).inc()
