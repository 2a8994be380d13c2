"""Measures answers, citations and verification as a person meets them: through the API (make eval)."""
