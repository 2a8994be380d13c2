"""What a gatherer yields, and what it wants to know of the time before."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

State = dict[str, Any]
"""Where a gatherer stands, as JSON; a new one that gets it goes on there."""

Outcome = Literal["content", "unchanged", "failed", "skipped", "gone"]
"""`gone`: certainly no longer there. `failed`: we do not know, so what was there stays."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What is remembered of one path: enough to see whether it has changed."""

    etag: str = ""
    """The source's own mark: an ETag, a blob id, a time and size."""
    last_modified: datetime | None = None
    sha256: str = ""
    address: str = ""
    """Where to ask for it, where that is not its canonical address: a site may want a trailing slash."""
    depth: int = 0
    held: bool = True
    """Whether there is a document of it."""


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that was looked at. `data` only for `content`; `code` and `detail` where it was not read."""

    path: str
    """Its identity within the source."""
    outcome: Outcome
    url: str | None = None
    """Its canonical address, where it has one."""
    data: bytes = b""
    etag: str = ""
    last_modified: datetime | None = None
    sha256: str = ""
    address: str = ""
    depth: int = 0
    code: str = ""
    detail: str = ""
    rules: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What the source itself says about it (a folder's mapping file)."""


class GatherFailed(Exception):
    """The source as a whole cannot be read now; nothing may be concluded about what is in it.

    `lasting`: trying again will not help until somebody changes something; `hint` says what.
    """

    def __init__(self, code: str, detail: str, hint: str = "", *, lasting: bool = False) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.hint = hint
        self.lasting = lasting


class Gatherer(Protocol):
    """Used once: `async for found in gatherer.gather()`, and after any of them `state()` to go on from there.

    When the loop ends by itself, `wait_s` says whether all was seen (None) or when to come again (seconds).
    """

    @property
    def lists_all(self) -> bool:
        """Whether what a whole run did not yield is gone."""
        ...

    @property
    def wait_s(self) -> float | None: ...

    def gather(self) -> AsyncGenerator[Found]:
        """Raises GatherFailed."""
        ...

    def state(self) -> State: ...

    def kept(self) -> State:
        """After the run: what the next one should know beside the marks."""
        ...

    def passed_over(self) -> Mapping[str, int]:
        """How many were not even looked at, by reason: trap, page_limit, too_deep."""
        ...

    def examples(self) -> list[tuple[str, str]]:
        """Some of those: (address, reason)."""
        ...
