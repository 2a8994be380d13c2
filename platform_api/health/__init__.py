"""Is it alive, is it ready, has it started; and what it counts."""
