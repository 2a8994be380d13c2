"""The `switchboard` command: one file per process (SPEC 2). May import everything; nothing imports it."""
