"""The documents as tools: docs.search and verify.quote (SPEC 8, tool contracts)."""
