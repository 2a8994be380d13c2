"""What was said: sessions, their messages, and what people thought of the answers."""
