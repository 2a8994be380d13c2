"""The terminal as a channel, and the proof that `bot.core` is neutral."""
