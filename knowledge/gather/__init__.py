"""Finds documents where they are: a folder on this server, a git tree, a web site.

Each gatherer says what it found and what has not changed since last time; it decides nothing about
documents, and nothing that it reads is obeyed.
"""

from knowledge.gather.folder import Folder
from knowledge.gather.found import Found, Gatherer, GatherFailed, Mark, Outcome, State
from knowledge.gather.globs import Globs

__all__ = ["Folder", "Found", "GatherFailed", "Gatherer", "Globs", "Mark", "Outcome", "State"]
