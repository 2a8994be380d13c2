"""What we need of things outside, one folder each: the one home of each vendor's client."""
