"""Leads that the CRM did not take in time, and that an admin enters by hand (SPEC 11)."""
