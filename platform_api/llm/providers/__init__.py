"""One file per vendor; the only home of its SDK."""
