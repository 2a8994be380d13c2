"""The child processes of this replica that are tool servers, and how one is spoken to as a peer."""

import asyncio
from collections.abc import Iterable
from typing import Any

import structlog

from kit.errors import Unavailable
from tools.gateway.upstreams.commands import Command, Commands
from tools.gateway.upstreams.parking import Parking
from tools.gateway.upstreams.session_peer import SessionPeer
from tools.gateway.upstreams.stdio import OF_ORGANISATION, STDIO, Process
from tools.gateway.upstreams.talk import Ask, Peer, StatelessPeer, beside_logging

_PRINCIPALS = 200
_log = structlog.get_logger()


class Processes:
    """The children of this replica, by address and, where they keep state per user, principal."""

    def __init__(self, commands: Commands, limit: int) -> None:
        self._commands = commands
        self._limit = limit
        self._running: dict[tuple[str, str], Process] = {}
        self._closing: set[asyncio.Task[None]] = set()

    async def peer(self, address: str, parking: Parking) -> Peer:
        """Raises Unavailable for a command that the operator has not set up."""
        self.command(address)
        return _ProcessPeer(self, address, parking)

    def command(self, address: str) -> Command:
        """As the operator has it now. Raises Unavailable."""
        found = self._commands.find(address.removeprefix(STDIO).partition(OF_ORGANISATION)[0])
        if found is None:
            _log.error("gateway.no_such_command", address=address)
            raise Unavailable(
                "This tool's server is not set up here.",
                hint="Ask an operator to add its command: see `switchboard mcp add --help`.",
                retry_after=30,
            )
        return found

    def process(self, address: str, who: str) -> Process:
        """Raises Unavailable."""
        command = self.command(address)
        # never shared between organisations: any of them may register a command of this deployment
        organisation, slash, _ = who.partition("/")
        key = (address, who if command.per_principal else organisation if slash else "")
        found = self._running.get(key)
        if found is not None and found.command != command:
            # another command under the same name: calls under way end with the old one
            self._close(self._running.pop(key))
            found = None
        if found is None:
            if len(self._running) >= _PRINCIPALS:
                self._give_up_one()
            found = self._running[key] = Process(address, command, self._limit)
        return found

    def _give_up_one(self) -> None:
        """The one that has been idle for longest. Raises Unavailable where all are at work."""
        idle = [key for key, process in self._running.items() if process.idle_since is not None]
        if not idle:
            raise Unavailable("Too many tool servers run here already.", retry_after=30)
        oldest = min(idle, key=lambda key: self._running[key].idle_since or 0.0)
        self._close(self._running.pop(oldest))

    def _close(self, process: Process) -> None:
        task = asyncio.create_task(process.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def keep(self, addresses: Iterable[str]) -> None:
        kept = set(addresses)
        gone = [key for key in self._running if key[0] not in kept]
        await asyncio.gather(*(self._running.pop(key).close() for key in gone))


class _ProcessPeer:
    def __init__(self, processes: Processes, address: str, parking: Parking) -> None:
        self._processes = processes
        self._address = address
        self._parking = parking
        self._sessions: dict[Process, Peer] = {}
        self._extensions: frozenset[str] = frozenset()

    @property
    def extensions(self) -> frozenset[str]:
        return self._extensions

    async def ask(self, ask: Ask) -> Any:
        return await (await self._peer(ask)).ask(ask)

    async def listen(self, ask: Ask, ready: Any) -> None:
        await (await self._peer(ask)).listen(ask, ready)

    async def close(self) -> None:
        self._sessions.clear()

    async def _peer(self, ask: Ask) -> Peer:
        process = self._processes.process(self._address, ask.who)
        await process.start()
        peer = self._peer_of(process)
        self._extensions = peer.extensions
        return peer

    def _peer_of(self, process: Process) -> Peer:
        if process.stateless:
            return StatelessPeer(process, beside_logging(process.capabilities))
        if process not in self._sessions:
            self._sessions[process] = SessionPeer(process, self._parking, self._address)
        return self._sessions[process]
