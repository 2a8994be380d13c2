"""What channels need of us beyond answers: their own small state, and messages that we start (SPEC 3)."""
