"""Errors of linking and of bots."""

from kit.errors import Conflict, Forbidden, NotFound


class NoSuchCode(NotFound):
    code = "no_such_code"
    title = "This code is not valid, or no longer"
    default_hint = "Codes live for 15 minutes and are used once. Ask the bot for a new one."


class LinkedToSomebodyElse(Conflict):
    code = "linked_to_somebody_else"
    title = "This account is linked to somebody else"
    default_hint = "That person can undo it: DELETE /api/v1/links/{id}."


class AdminsOnly(Forbidden):
    code = "admins_only"
    title = "Only an admin of the organisation may do this"
    default_hint = "Ask somebody with the role OrgAdmin."


class WholeRightsNeeded(Forbidden):
    code = "whole_rights_needed"
    title = "This credential has less than your account has"
    default_hint = "Confirm while signed in, or with an API key of all your scopes."
