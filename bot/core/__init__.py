"""What channels share: a Turn in, Replies out; no channel's words, no vendor's SDK."""
