"""A client for a peer that our own settings name."""

import httpx

from ports.http.trust import trust

_CONNECT_WITHIN_S = 5.0
_LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=30)


def client(timeout_s: float = 10.0) -> httpx.AsyncClient:
    """A client for one peer, kept by its owner and closed with `aclose`.

    `timeout_s` limits each wait (connecting at most 5 s, reading, writing, a free connection). It
    follows no redirects: an answer must not send our credentials elsewhere.
    """
    timeout = httpx.Timeout(timeout_s, connect=min(timeout_s, _CONNECT_WITHIN_S))
    return httpx.AsyncClient(timeout=timeout, limits=_LIMITS, verify=trust(), follow_redirects=False)


def blocking_client(timeout_s: float = 10.0) -> httpx.Client:
    """The same for threads; closed with `close`."""
    timeout = httpx.Timeout(timeout_s, connect=min(timeout_s, _CONNECT_WITHIN_S))
    return httpx.Client(timeout=timeout, limits=_LIMITS, verify=trust(), follow_redirects=False)
