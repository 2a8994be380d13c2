"""Errors of turns. Some end a turn as `turn.failed`, some refuse one."""

from kit.errors import Conflict, NotFound, TimedOut, Unavailable


class SessionBusy(Conflict):
    code = "session_busy"
    title = "Another message of this session is still being answered"
    default_hint = "Wait for that answer, or leave out `session_id` to ask in a new session."
    retryable = True


class TurnNotFound(NotFound):
    code = "turn_not_found"
    title = "There is no such turn"
    default_hint = "Take the ids from turn.started, or read the session for what was answered."


class TurnTimedOut(TimedOut):
    code = "turn_timed_out"
    title = "This answer took longer than a turn may take"
    default_hint = "Ask again, perhaps for less at once."


class Interrupted(Unavailable):
    code = "interrupted"
    title = "This answer was interrupted on our side"
    default_hint = "Ask again; your message is kept in the session."


class SessionGone(Conflict):
    code = "session_deleted"
    title = "The session was deleted while this was being answered"
    default_hint = "Ask in a new session."


class CannotAsk(Unavailable):
    code = "cannot_ask"
    title = "A tool needs an answer of yours, and nothing here can ask you"
    default_hint = "Tell your admin: this process runs without interactions."


class ShuttingDown(Unavailable):
    code = "shutting_down"
    title = "This part of the system is about to stop"
    default_hint = "Send it again: another part takes it."
