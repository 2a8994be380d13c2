"""Microsoft Teams, without a word of a vendor's SDK outside `app.py` and `quirks.py`."""
