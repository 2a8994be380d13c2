"""What admins do with tool servers and tools."""
