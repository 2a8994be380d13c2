"""The multipart body of an upload, read only after we know that the sender may upload."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from pydantic import ValidationError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from kit.errors import Invalid
from kit.wire.library import DocumentMetadata
from platform_api.edge.problems import sentence
from platform_api.library.errors import BadUpload, TooManyFiles

_METADATA_LIMIT = 64 * 1024
_FIELDS = frozenset({"file", "metadata"})

UPLOAD_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {
                            "type": "array",
                            "items": {"type": "string", "format": "binary"},
                            "description": "One or more. The file name may be a relative path; it is the "
                            "document's identity in its knowledge base.",
                        },
                        "metadata": {"$ref": "#/components/schemas/DocumentMetadata"},
                    },
                },
                "encoding": {"metadata": {"contentType": "application/json"}},
                "example": {"file": ["travel/leave.md"], "metadata": {"tags": ["travel"]}},
            }
        },
    }
}


@dataclass(frozen=True, slots=True)
class Sent:
    files: list[UploadFile]
    metadata: DocumentMetadata


@asynccontextmanager
async def sent(request: Request, max_files: int) -> AsyncGenerator[Sent]:
    """Files larger than 1 MB are on disk, not in memory, until the block ends.

    Raises BadUpload, TooManyFiles, Invalid.
    """
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise BadUpload("The body is not multipart/form-data.")
    try:
        form = await request.form(max_files=max_files, max_fields=len(_FIELDS), max_part_size=_METADATA_LIMIT)
    except HTTPException as error:
        # How Starlette passes its parser's MultiPartException on within an app.
        raise _explained(error.detail) from error
    try:
        unknown = sorted(set(form) - _FIELDS)
        if unknown:
            raise Invalid(f"Unknown field '{unknown[0]}'.")
        if len(form.getlist("metadata")) > 1:
            # What stands before us may have looked at the other one.
            raise BadUpload("`metadata` came twice.")
        files = [part for part in form.getlist("file") if isinstance(part, UploadFile)]
        yield Sent(files, await _metadata(form.get("metadata")))
    finally:
        await form.close()


def _explained(message: str) -> BadUpload | TooManyFiles:
    if message.startswith("Too many files"):
        return TooManyFiles(message)
    return BadUpload("The multipart body is malformed, or its `metadata` is too long.")


async def _metadata(part: UploadFile | str | None) -> DocumentMetadata:
    if part is None:
        return DocumentMetadata()
    raw = await part.read(_METADATA_LIMIT) if isinstance(part, UploadFile) else part
    try:
        return DocumentMetadata.model_validate_json(raw)
    except ValidationError as error:
        found = [{**item, "loc": ("body", "metadata", *item["loc"])} for item in error.errors()]
        raise Invalid(" ".join(sentence(item) for item in found[:5])) from error
