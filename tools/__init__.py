"""Everything that speaks MCP: the gateway and the tool servers (SPEC 8, 9)."""
