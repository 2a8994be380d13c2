"""Where HTTP meets the platform: one commit per request, problems, request ids, paging, limits.

Below every domain: it knows nothing of them.
"""

from platform_api.edge.event_stream import event_stream
from platform_api.edge.openapi import raises
from platform_api.edge.paging import PageQuery, PageRequest, keyset, page_of
from platform_api.edge.provide import provide, provided
from platform_api.edge.request_context import request_id
from platform_api.edge.unit_of_work import UnitOfWork

__all__ = [
    "PageQuery",
    "PageRequest",
    "UnitOfWork",
    "event_stream",
    "keyset",
    "page_of",
    "provide",
    "provided",
    "raises",
    "request_id",
]
