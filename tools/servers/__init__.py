"""One folder per tool server, all alike: `server.py`, `manifest.toml`, its domain modules."""
