"""What the person reads where a booking cannot go on (SPEC 11)."""

from kit.errors import Conflict, NotFound, Unavailable, UpstreamFailed


class CalendarDown(Unavailable):
    """detail: the whole sentence, with the phone number."""

    code = "booking_calendar_down"
    title = "The calendar does not answer, so nothing was booked"
    default_hint = "Ask again later, or call."


class CalendarSaysNo(UpstreamFailed):
    code = "booking_calendar_refused"
    title = "The calendar did not take the meeting, so nothing was booked"
    default_hint = "An admin has to look at the calendar's settings."
    retryable = False


class NoSuchBooking(NotFound):
    code = "booking_not_found"
    title = "You have no such meeting"
    default_hint = "List your meetings with meetings.list."


class BookingChanging(Conflict):
    code = "booking_changing"
    title = "An earlier change of this meeting is still under way"
    default_hint = "Wait until you are told how it ended, then try again."


class NoConsent(Conflict):
    code = "consent_missing"
    title = "There is no such consent of yours"
    default_hint = "Book through meetings.book, which asks for consent and keeps the record."


class NotConsented(Conflict):
    code = "consent_not_theirs"
    title = "Nobody agreed to that"
    default_hint = "Name only whose consent it is, and the people who receive appointments here."
