"""For programs that ask more within a minute than a person may: measurements and evaluations."""

import os

_MANY = "1000000000"
_NAMES = ("USER_CALLS_PER_MIN", "SERVER_CALLS_PER_MIN", "ORGANISATION_CALLS_PER_MIN", "USER_CALLS_PER_DAY")


def without_limits() -> None:
    """What this process starts from now on does not limit tool calls, unless it was told to."""
    for name in _NAMES:
        os.environ.setdefault(f"SWITCHBOARD_GATEWAY__{name}", _MANY)
