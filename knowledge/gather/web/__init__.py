"""A web site, visited politely: what robots.txt allows, within its own bounds, each page once."""

from knowledge.gather.web.addresses import Site, canonical
from knowledge.gather.web.crawl import Crawl
from knowledge.gather.web.rules import CrawlRules

__all__ = ["Crawl", "CrawlRules", "Site", "canonical"]
