"""What a calendar may answer instead of doing it."""

from kit.errors import Conflict, NotFound, Unavailable, UpstreamFailed


class SlotTaken(Conflict):
    """Somebody whom the calendar keeps is busy in that time now. Nothing was placed."""

    code = "slot_taken"
    title = "That time has just been taken"
    default_hint = "Choose one of the other times."


class CalendarUnavailable(Unavailable):
    """It did not answer in time, or said that it cannot; whether something was placed, `find` tells."""

    code = "calendar_unavailable"
    title = "The calendar does not answer"
    default_hint = "Try again in a minute, or call us."


class CalendarRefused(UpstreamFailed):
    """It answered, and will answer the same again: our settings or rights are wrong there."""

    code = "calendar_refused"
    title = "The calendar refused what we asked"
    default_hint = "Ask an admin to look at the calendar's account and its rights."
    retryable = False


class NoSuchEvent(NotFound):
    """`move` was asked for an event that is not there any more."""

    code = "no_such_event"
    title = "This meeting is no longer in the calendar"
    default_hint = "Book it again."
