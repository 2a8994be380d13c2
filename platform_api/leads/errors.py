"""What the list of leads answers instead."""

from kit.errors import Conflict, Forbidden


class LeadsForAdmins(Forbidden):
    """They hold the names and addresses of people from outside: a permission for something else is no key."""

    code = "leads_for_admins"
    title = "Only admins see these leads"
    default_hint = "Ask somebody with the role OrgAdmin."


class LeadIsDone(Conflict):
    code = "lead_is_done"
    title = "Somebody has entered this lead already"
    default_hint = "Look it up in the CRM. If it is not there, reopen it first."


class LeadIsOpen(Conflict):
    code = "lead_is_open"
    title = "This lead is open"
    default_hint = "There is nothing to reopen: enter it in the CRM and mark it done."
