"""What a mail system may answer instead of sending."""

from kit.errors import Unavailable, UpstreamFailed


class MailUnavailable(Unavailable):
    """It did not answer in time, or said that it cannot now. Nothing was sent."""

    code = "mail_unavailable"
    title = "The e-mail system does not answer"
    default_hint = "Nothing was sent. It is tried again by itself."


class MailRefused(UpstreamFailed):
    """It will give the same answer again: the address, the letter, or our own account is wrong there."""

    code = "mail_refused"
    title = "The e-mail system did not take this message"
    default_hint = "Check the addresses. If they are right, ask an admin to look at the mail account."
    retryable = False


class CannotTell(UpstreamFailed):
    """Perhaps it was sent, perhaps not: never again by itself (docs/decisions/0050)."""

    code = "mail_in_doubt"
    title = "It is not known whether the e-mail was sent"
    default_hint = "Ask the recipient, or an admin to look into the mail system, before sending it again."
    retryable = False
