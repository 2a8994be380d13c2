"""Verbs for people, over the public SDK: nothing here can do what a developer cannot."""
