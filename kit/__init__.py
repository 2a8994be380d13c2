"""Ours, but not about the product: wire shapes, errors, logs, settings. Imports nothing of ours."""
