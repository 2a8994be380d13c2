"""Errors of sessions."""

from kit.errors import NotFound


class SessionNotFound(NotFound):
    code = "session_not_found"
    title = "There is no such session"
    default_hint = "Leave out `session_id` to begin a new session, or list yours at GET /api/v1/sessions."


class MessageNotFound(NotFound):
    code = "message_not_found"
    title = "There is no such message"
    default_hint = "Take the id from `message_id` of turn.completed or from GET /api/v1/sessions/{id}."
