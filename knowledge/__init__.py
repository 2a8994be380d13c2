"""Documents in, cited chunks out: load, chunk, embed, index, search, verify. No web framework here."""
