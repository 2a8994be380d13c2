"""Slack, without Slack: a simulator of its API, its limits, and the bot against both."""
