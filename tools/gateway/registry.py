"""The registry as the gateway holds it: pulled, compiled, swapped while running, kept on disk."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import structlog
from prometheus_client import Gauge
from pydantic import ValidationError

from kit.errors import SwitchboardError
from kit.files import write_whole
from kit.wire.tools import Registry
from tools.gateway.catalogue import EMPTY, Catalogue, compiled
from tools.gateway.platform import PlatformLink

_log = structlog.get_logger()
_tools = Gauge("switchboard_gateway_registered_tools", "Tools in the registry that the gateway holds.")
_stale = Gauge("switchboard_gateway_registry_stale", "1 while the platform does not answer for the registry.")


class RegistryHolder:
    """`current` is always whole: the last good version, from the platform or from disk."""

    def __init__(self, platform: PlatformLink, copy: Path, poll_s: float) -> None:
        self.current: Catalogue = EMPTY
        self.changed = asyncio.Event()
        """Set with every new version; whoever waits for it clears it."""
        self.listeners: list[Callable[[], None]] = []
        """Called after every new version."""
        self._platform = platform
        self._copy = copy
        self._poll_s = poll_s

    @property
    def loaded(self) -> bool:
        return self.current is not EMPTY

    async def start(self) -> None:
        """From disk first, so that a platform that is down does not keep the tools away."""
        self._from_disk()
        await self.refresh()

    async def run(self) -> None:
        while True:
            await asyncio.sleep(self._poll_s)
            await self.refresh()

    async def refresh(self) -> None:
        """Take over a new version, if there is one; never raises."""
        try:
            registry = await self._platform.registry(self.current.version or None)
        except (SwitchboardError, ValidationError) as error:
            _stale.set(1)
            _log.warning("gateway.registry_not_refreshed", error=type(error).__name__)
            return
        _stale.set(0)
        if registry is not None and registry.version != self.current.version:
            await asyncio.to_thread(write_whole, self._copy, registry.model_dump_json().encode())
            self._take(registry)

    def _take(self, registry: Registry) -> None:
        self.current = compiled(registry)
        _tools.set(len(self.current.tools))
        self.changed.set()
        for listener in self.listeners:
            listener()
        _log.info("gateway.registry_taken", version=registry.version, tools=len(self.current.tools))

    def _from_disk(self) -> None:
        try:
            self._take(Registry.model_validate_json(self._copy.read_bytes()))
        except FileNotFoundError:
            pass
        except (ValidationError, OSError) as error:
            _log.warning("gateway.registry_copy_unreadable", error=type(error).__name__)
