"""Where people talk to us: channels over the public SDK."""
