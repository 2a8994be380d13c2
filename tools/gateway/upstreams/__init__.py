"""How a tool server is reached."""
