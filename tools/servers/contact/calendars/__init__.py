"""Calendars: one port, four systems behind it."""
