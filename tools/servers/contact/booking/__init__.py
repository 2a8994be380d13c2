"""meetings.book and its sisters: a conversation in steps, each of which can be answered days later."""
