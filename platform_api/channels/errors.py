"""Errors of channel state and deliveries."""

from kit.errors import Conflict, NotFound


class NoSuchState(NotFound):
    code = "no_such_state"
    title = "There is nothing under this key"
    default_hint = "Keys are per organisation and channel; what has expired is gone."


class StateChanged(Conflict):
    code = "state_changed"
    title = "Somebody has changed this meanwhile"
    default_hint = "Read it again and repeat the change with its version."


class LeaseLost(Conflict):
    code = "lease_lost"
    title = "This delivery is no longer yours"
    default_hint = "Its lease ran out and somebody else may have it: claim again."
