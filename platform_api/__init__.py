"""The product over HTTP: everything that a client can do is here first (SPEC 3)."""
