"""The OAuth broker: people's accounts at tool servers, and the vault that keeps their tokens (SPEC 9)."""
