"""What a CRM may answer instead of taking a lead."""

from kit.errors import Unavailable, UpstreamFailed


class CrmUnavailable(Unavailable):
    """It did not answer in time, or said that it cannot now. To enter the same again is safe."""

    code = "crm_unavailable"
    title = "The CRM does not answer"
    default_hint = "The details are captured. They are entered later."


class CrmRefused(UpstreamFailed):
    """It will give the same answer again: a field, or our token or its scopes."""

    code = "crm_refused"
    title = "The CRM did not take these details"
    default_hint = "Ask an admin to look at the CRM's token and its fields, and to enter the lead by hand."
    retryable = False
