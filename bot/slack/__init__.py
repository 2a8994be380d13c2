"""Slack: what people say there becomes Turns, what we answer becomes Block Kit."""
