"""MCP towards clients: the envelope, and the two eras."""
