"""How far a visit goes."""

from dataclasses import dataclass

_MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class CrawlRules:
    """`delay_s`: at least so long between two requests; the site's own Crawl-delay counts where longer."""

    max_pages: int = 1000
    max_depth: int = 10
    max_bytes: int = 25 * _MEGABYTE
    max_total_bytes: int = 2000 * _MEGABYTE
    delay_s: float = 0.5
    longest_wait_s: float = 20.0
    """Longer waits are given back to the caller (`wait_s`)."""
    sitemaps: int = 20
    retries: int = 2
    page_within_s: float = 60.0
