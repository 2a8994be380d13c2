"""The contact server: calendar, e-mail, CRM, and a meeting as one resumable tool (SPEC 8, J2)."""
