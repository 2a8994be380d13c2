"""Files as they were uploaded, by key."""

from ports.blobs.folder import FolderBlobs
from ports.blobs.port import BadKey, BlobMissing, Blobs, Stored

__all__ = ["BadKey", "BlobMissing", "Blobs", "FolderBlobs", "Stored"]
