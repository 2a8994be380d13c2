"""How search weighs and how long it may take."""

from typing import Annotated, Literal

from pydantic import Field

from kit.settings import Settings

Share = Annotated[float, Field(ge=0, le=1)]


class SearchSettings(Settings):
    """Retrieval (SPEC 7)."""

    section = "search"

    public_url: str = Field(
        default="http://localhost:8000",
        description="Where people reach the platform; links in citations begin with it.",
    )
    fusion: Literal["weighted", "rrf"] = Field(
        default="weighted", description="How the two lists become one: by weighted scores, or by ranks (RRF)."
    )
    dense_weight: Share = Field(default=0.75, description="Weight of meaning (cosine of the embeddings).")
    sparse_weight: Share = Field(default=0.25, description="Weight of words (BM25 over the best BM25).")
    over_fetch: Annotated[int, Field(ge=1, le=10)] = Field(
        default=2, description="Candidates asked of the index per list, as a multiple of top_k."
    )
    rerank_within: Share = Field(
        default=0.15,
        description="With a reranker: it is asked where the best five scores lie within this of each other.",
    )
    rerank_most: Annotated[int, Field(ge=2, le=50)] = Field(
        default=20, description="With a reranker: how many of the best candidates it reads."
    )
    rerank_timeout_s: Annotated[float, Field(gt=0)] = Field(
        default=0.5, description="With a reranker: seconds for one look; after that the first ranking stays."
    )
    timeout_s: Annotated[float, Field(gt=0)] = Field(default=10.0, description="Seconds for one search.")
    embed_timeout_s: Annotated[float, Field(gt=0)] = Field(
        default=3.0,
        description="Seconds to embed a query; after that search goes by words alone.",
    )
