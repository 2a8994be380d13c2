"""Files into chunks and texts into vectors, in child processes.

A file from outside may crash a parser, fill the memory or never end: then the child dies, not we.
"""

from knowledge.prepare.errors import PreparationFailed
from knowledge.prepare.messages import Read
from knowledge.prepare.preparer import Preparer
from knowledge.prepare.settings import PrepareSettings

__all__ = ["PreparationFailed", "PrepareSettings", "Preparer", "Read"]
