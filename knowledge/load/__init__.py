"""Files in, blocks of plain text out. Nothing in a file is executed; no macro, link or image is followed."""

from knowledge.load.errors import UnreadableDocument
from knowledge.load.html_page import render_html
from knowledge.load.loader import load

__all__ = ["UnreadableDocument", "load", "render_html"]
