"""The agent runtime behind our own port, and agent definitions."""
