"""Whose certificates we believe."""

import ssl
from functools import cache


@cache
def trust() -> ssl.SSLContext:
    """The system's authorities, and those of SSL_CERT_FILE."""
    # Reading the certificates takes 20 ms: once per process, not per client.
    return ssl.create_default_context()
