"""The registry as the gateway holds it: pulled, compiled, swapped while running, kept on disk."""

import asyncio
import random
import time
from collections.abc import Callable
from pathlib import Path

import structlog
from prometheus_client import Counter, Gauge
from pydantic import ValidationError

from kit.errors import SwitchboardError
from kit.files import write_whole
from kit.wire.tools import Registry
from tools.gateway.catalogue import EMPTY, BadRegistry, Catalogue, compiled, withheld
from tools.gateway.platform import PlatformLink

_AT_ONCE_S = 0.5
_SHOWN = 20
_log = structlog.get_logger()
_tools = Gauge("switchboard_gateway_registered_tools", "Tools in the registry that the gateway holds.")
_stale = Gauge("switchboard_gateway_registry_stale", "1 while the platform does not answer for the registry.")
_bad = Gauge("switchboard_gateway_registry_refused", "1 while the platform's registry is refused as bad.")
_refused = Counter("switchboard_gateway_registries_refused_total", "Registries refused as a whole.")
_withheld = Gauge(
    "switchboard_gateway_withheld_tools", "Tools that nobody is offered since what they require is not there."
)


class RegistryHolder:
    """`current` is always whole: the last good version, from the platform or from disk.

    poll_s: pause where the platform does not answer, or answers at once that nothing has changed.
    wait_s: how long it may hold back such an answer.
    """

    def __init__(self, platform: PlatformLink, copy: Path, poll_s: float, wait_s: float = 0.0) -> None:
        self.current: Catalogue = EMPTY
        self.changed = asyncio.Event()
        """Set with every new version; whoever waits for it clears it."""
        self.listeners: list[Callable[[], None]] = []
        """Called after every new version."""
        self._platform = platform
        self._copy = copy
        self._poll_s = poll_s
        self._wait_s = wait_s
        self._refused = self._why = ""
        self._failed = 0

    @property
    def loaded(self) -> bool:
        return self.current is not EMPTY

    async def start(self) -> None:
        """From disk first, so that a platform that is down does not keep the tools away."""
        await self._from_disk()
        await self.refresh()

    async def run(self) -> None:
        while True:
            asked = time.monotonic()
            known = self.current.version
            await self.refresh(self._wait_s)
            if self._failed:
                await asyncio.sleep(_spread(self._poll_s * min(2 ** (self._failed - 1), 4)))
            elif self.current.version == known and time.monotonic() - asked < max(self._wait_s, _AT_ONCE_S):
                # it does not hold answers back, or what it has is refused
                await asyncio.sleep(self._poll_s)

    async def refresh(self, wait_s: float = 0.0) -> None:
        """Take over a new version, if there is one within `wait_s`; never raises."""
        try:
            registry = await self._platform.registry(self._refused or self.current.version or None, wait_s)
        except ValidationError as error:
            _stale.set(0)
            self._refuse("", f"{error.error_count()} fields are not what they must be: {_where(error)}")
            self._failed = 0
            return
        except SwitchboardError as error:
            _stale.set(1)
            self._failed += 1
            _log.warning("gateway.registry_not_refreshed", error=type(error).__name__)
            return
        _stale.set(0)
        self._failed = 0
        if registry is not None and registry.version != self.current.version:
            await self._take_over(registry)
        elif registry is not None:
            # what was refused is gone again
            self._accepted()

    async def _take_over(self, registry: Registry) -> None:
        if not await self._take(registry):
            return
        try:
            await asyncio.to_thread(write_whole, self._copy, registry.model_dump_json().encode())
        except OSError as error:
            _log.error("gateway.registry_not_kept", error=type(error).__name__)

    async def _take(self, registry: Registry) -> bool:
        """Whether it was good. Compiled beside the loop: calls go on meanwhile."""
        try:
            catalogue = await asyncio.to_thread(compiled, registry, self.current)
        except BadRegistry as error:
            self._refuse(registry.version, str(error))
            return False
        except Exception as error:
            # whatever is wrong with it, the last good one stays
            _log.exception("gateway.registry_not_compiled")
            self._refuse(registry.version, type(error).__name__)
            return False
        self.current = catalogue
        self._accepted()
        _tools.set(len(catalogue.offers))
        self._show_withheld(catalogue)
        self.changed.set()
        for listener in self.listeners:
            listener()
        _log.info("gateway.registry_taken", version=registry.version, tools=len(catalogue.offers))
        return True

    def _refuse(self, version: str, why: str) -> None:
        """Said once for a version; `version` empty: it has none that could be read."""
        _bad.set(1)
        if (version, why) != (self._refused, self._why):
            _refused.inc()
            _log.error(
                "gateway.registry_refused",
                version=version,
                why=why,
                hint="The last good one stays. Correct it in the platform: GET /api/v1/admin/tools.",
            )
        self._refused, self._why = version, why

    def _accepted(self) -> None:
        self._refused = self._why = ""
        _bad.set(0)

    def _show_withheld(self, catalogue: Catalogue) -> None:
        count = 0
        for view in (catalogue, *catalogue.views.values()):
            for tool, why in withheld(view):
                count += 1
                if count <= _SHOWN:
                    _log.warning("gateway.tool_withheld", tool=tool, why=why)
        _withheld.set(count)

    async def _from_disk(self) -> None:
        try:
            await self._take(Registry.model_validate_json(self._copy.read_bytes()))
        except FileNotFoundError:
            pass
        except (ValidationError, OSError) as error:
            _log.warning("gateway.registry_copy_unreadable", error=type(error).__name__)


def _spread(pause_s: float) -> float:
    """Replicas that lost the platform together do not come back together."""
    return pause_s * random.uniform(0.5, 1)  # noqa: S311 - spreads requests, keeps no secret


def _where(error: ValidationError) -> str:
    """The first places, never the values."""
    return ", ".join(".".join(map(str, fault["loc"])) for fault in error.errors()[:5])
