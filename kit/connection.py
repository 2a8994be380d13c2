"""What a client's connection carries from one request to the next."""

CONNECTION = "switchboard.connection"
"""In an ASGI scope's `extensions`: a dict that lives as long as the connection, for what an app makes of a
request's head. The next request mostly has the same, and need not be looked at anew."""
