"""Models: providers behind one interface, routing, and a row for every call (SPEC 10)."""
