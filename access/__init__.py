"""Who is asking, and what they may see: what every process must agree on (SPEC 6)."""
