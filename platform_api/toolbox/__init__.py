"""Which tools exist for whom, and the way to call them: the gateway's control plane (SPEC 3b, 8, 9)."""
