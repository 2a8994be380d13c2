"""Errors of sign-in and API keys."""

from kit.errors import Forbidden, NotFound


class UnknownPerson(NotFound):
    code = "unknown_person"
    title = "There is no such dev person"
    default_hint = "Sign in as maya, tom or ada."


class ScopeTooWide(Forbidden):
    code = "scope_too_wide"
    title = "A key can never carry more than its owner"
    default_hint = "Leave out the scopes that you do not have yourself; GET /api/v1/me lists yours."
