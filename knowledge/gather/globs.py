"""Which paths somebody wants."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class Globs:
    """`*` stands for any characters, "/" included. No `include` includes everything."""

    include: Sequence[str] = ()
    exclude: Sequence[str] = ()

    def admit(self, path: str) -> bool:
        wanted = not self.include or any(fnmatchcase(path, pattern) for pattern in self.include)
        return wanted and not any(fnmatchcase(path, pattern) for pattern in self.exclude)
