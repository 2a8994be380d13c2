"""JSON Schemas that others wrote, compiled (2020-12 unless they say otherwise)."""

from typing import Any

import jsonschema_rs


def compiled_schema(schema: Any) -> jsonschema_rs.Validator:
    """Formats are checked. Raises ValueError for what is no schema, or refers to something outside itself."""
    # Offline: a `$ref` of an outside address would be fetched from within our network, files included.
    return jsonschema_rs.validator_for(schema, validate_formats=True, offline=True)
