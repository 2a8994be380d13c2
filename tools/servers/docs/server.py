"""docs: names, descriptions and schemas of its tools, bound to the index."""

from pathlib import Path

from starlette.types import ASGIApp

from access.grants import GrantStore
from access.jwks import TrustedKeys
from kit.clock import Clock
from kit.wire.search import SearchRequest, SearchResult, VerifyRequest, VerifyResult
from knowledge.index import Index
from knowledge.search import Searching
from ports.redis import CacheDoor
from tools.servers.docs.quotes import Quotes
from tools.servers.docs.searching import DocumentSearch
from tools.servers.serving import ServedTool, ToolServer, served
from tools.servers.shapes import Manifest, ToolShape, read_manifest

SEARCH = ToolShape(
    name="docs.search",
    title="Search the documents",
    description=(
        "Find passages in the organisation's documents that answer a question. Only documents that the "
        "person may see are searched. Ask in a full sentence; use filters only when the person named a "
        "date, a section, a type or a tag. Each passage has a score from 0 to 1 and the source to cite."
    ),
    takes=SearchRequest,
    gives=SearchResult,
)
VERIFY = ToolShape(
    name="verify.quote",
    title="Verify sentences against passages",
    description=(
        "Check whether each sentence is supported by the given passages (chunk_ids from docs.search). "
        "Words, numbers, names, dates and negations must agree. Gives the exact quote and a confidence "
        "from 0 to 1 for each supported sentence, and lists the sentences without support."
    ),
    takes=VerifyRequest,
    gives=VerifyResult,
)
SHAPES = (SEARCH, VERIFY)


def build_docs_server(
    search: Searching,
    index: Index,
    trusted: TrustedKeys,
    redis: GrantStore,
    clock: Clock,
    *,
    door: CacheDoor | None = None,
) -> ASGIApp:
    """An ASGI app with lifespan that serves /mcp to the gateway only; `index` is the one below `search`.

    door: to the cache of verify.quote; None keeps nothing. `search` has its own.
    """
    return ToolServer(manifest(), tools_of(search, index, door), trusted, redis, clock)


def manifest() -> Manifest:
    return read_manifest(Path(__file__).parent)


def tools_of(search: Searching, index: Index, door: CacheDoor | None = None) -> tuple[ServedTool, ...]:
    """Bound to the index, for whichever transport."""
    quotes = Quotes(index, search, door)
    return served(SEARCH, DocumentSearch(search).run), served(VERIFY, quotes.run)
