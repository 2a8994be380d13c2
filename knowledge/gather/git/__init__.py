"""Documents in a git tree: a repository under an allowed folder here, or one behind https."""

from knowledge.gather.git.remote import RemoteRepository
from knowledge.gather.git.repository import LocalRepository, Repository
from knowledge.gather.git.tree import GitTree
from knowledge.gather.git.web_view import guessed_template, web_address

__all__ = ["GitTree", "LocalRepository", "RemoteRepository", "Repository", "guessed_template", "web_address"]
