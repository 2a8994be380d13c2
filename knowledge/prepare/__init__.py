"""Files into chunks with vectors, in a child process of their own.

A file from outside may crash a parser, fill the memory or never end: then the child dies, not we.
"""

from knowledge.prepare.messages import Prepared
from knowledge.prepare.preparer import PreparationFailed, Preparer, PrepareSettings

__all__ = ["PreparationFailed", "PrepareSettings", "Prepared", "Preparer"]
