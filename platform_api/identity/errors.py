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


class MayNotActAs(Forbidden):
    code = "may_not_act_as"
    title = "This credential may not ask for somebody else"
    default_hint = (
        "X-Act-As is for the bot of that channel: <channel>:<workspace>/<user>, with the key that "
        "POST /api/v1/admin/bots made."
    )


class LinkNeeded(Forbidden):
    code = "link_needed"
    title = "This account is not linked yet"
    default_hint = "Link it once: POST /api/v1/links gives a code that you confirm while signed in."


class NotThroughAChannel(Forbidden):
    code = "not_through_a_channel"
    title = "This cannot be done through a channel"
    default_hint = "Sign in yourself and do it there."
