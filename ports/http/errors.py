"""What can go wrong with an address that somebody named."""

from typing import Literal

from kit.errors import Invalid, UpstreamFailed

Why = Literal["unreachable", "timed_out", "too_large", "bad_response", "too_many_redirects"]


class AddressRefused(Invalid):
    """The same words for a name that does not exist, one of our own network and a forbidden one: the
    difference would draw a map of what is inside (SPEC 13)."""

    code = "address_refused"
    title = "This address may not be opened"
    default_hint = (
        "Only public http and https addresses are opened. For a site of your own network, ask an operator "
        "to name its host in SWITCHBOARD_OUTBOUND__ALLOWED_HOSTS."
    )


class FetchFailed(UpstreamFailed):
    """`why` tells programs what `detail` tells people."""

    code = "fetch_failed"
    title = "The address gave no usable answer"
    default_hint = "Open it in a browser. If it works there, try again in a few minutes."

    def __init__(self, why: Why, detail: str) -> None:
        super().__init__(detail)
        self.why: Why = why
