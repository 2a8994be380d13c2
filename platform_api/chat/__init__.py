"""The turn: decide, write, verify, stream (SPEC 4)."""
