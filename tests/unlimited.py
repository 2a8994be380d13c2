"""For programs that ask more within a minute than a person may: tests, measurements and evaluations."""

import os

_MANY = "1000000000"
_CALLS = ("USER_CALLS_PER_MIN", "SERVER_CALLS_PER_MIN", "ORGANISATION_CALLS_PER_MIN", "USER_CALLS_PER_DAY")
_REQUESTS = ("REQUESTS_PER_MIN", "TURNS_PER_MIN", "ADMIN_WRITES_PER_MIN", "ANONYMOUS_PER_MIN")


def without_limits() -> None:
    """What this process starts from now on limits no tool calls and no requests, unless it was told to."""
    for name in _CALLS:
        os.environ.setdefault(f"SWITCHBOARD_GATEWAY__{name}", _MANY)
    without_request_limits()


def without_request_limits() -> None:
    """The same of requests to the platform alone."""
    for name in _REQUESTS:
        os.environ.setdefault(f"SWITCHBOARD_RATES__{name}", _MANY)
