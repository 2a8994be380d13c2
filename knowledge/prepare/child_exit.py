"""Exit statuses of the child; apart from it, so that the parent does not import the parsers."""

OUT_OF_MEMORY = 77
