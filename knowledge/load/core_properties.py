"""What an Office file says about itself, whichever program reads it."""

from typing import Any

from knowledge.load.front_matter import Metadata
from knowledge.load.outline import one_line


def core_metadata(properties: Any) -> Metadata:
    """Of the core properties of a package (python-docx and python-pptx name them alike)."""
    fields = {"title": properties.title, "author": properties.author, "subject": properties.subject}
    found: Metadata = {key: one_line(value) for key, value in fields.items() if value and value.strip()}
    if properties.modified is not None:
        found["last_modified"] = properties.modified.isoformat()
    return found
