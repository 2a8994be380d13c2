"""The library over HTTP, one file per thing (SPEC 3)."""

from fastapi import APIRouter

from platform_api.library.endpoints import admin, bases, caches, changes, documents, jobs, sources

router = APIRouter()
for part in (bases, documents, changes, sources, jobs, admin, caches):
    router.include_router(part.router)
