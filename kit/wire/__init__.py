"""Shapes that cross a process: HTTP bodies, turn events, tool contracts, the internal contract."""
