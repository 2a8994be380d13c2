"""The one door to tools: both eras of MCP, one chain of policy for every call (SPEC 9)."""
