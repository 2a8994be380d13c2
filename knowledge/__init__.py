"""Documents in, cited passages out: load, chunk, embed, index, search, verify. No web framework here."""
