"""The terminal itself: reads lines, shows replies. Works with a person at a terminal and with a pipe."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO
from uuid import UUID, uuid4

from switchboard_sdk import Switchboard

from bot.console.parse import Ask, Command, Line, Nothing, Unknown, parse
from bot.console.plain import COLOURED, PLAIN, Style
from bot.console.render import HELP, Screen, footnotes
from bot.core.conversations import Conversations
from bot.core.reply import Answer, Final, Trouble
from bot.core.turn import Turn

PROMPT = "› "
WIDEST = 100
ReadLine = Callable[[], Awaitable[str | None]]


@dataclass(slots=True)
class Terminal:
    """Where replies are written; colour and widths only where a person looks."""

    out: TextIO
    style: Style = PLAIN
    width: int = 0

    @classmethod
    def of(cls, out: TextIO) -> "Terminal":
        if not out.isatty() or os.environ.get("TERM") == "dumb":
            return cls(out)
        style = PLAIN if os.environ.get("NO_COLOR") else COLOURED
        return cls(out, style, min(os.get_terminal_size(out.fileno()).columns, WIDEST))

    def write(self, text: str) -> None:
        if text:
            self.out.write(text)
            self.out.flush()


@dataclass(slots=True)
class Chat:
    """One person's conversation. `/new` begins another thread, and so another session."""

    switchboard: Switchboard
    terminal: Terminal
    knowledge_base_ids: tuple[UUID, ...] = ()
    thread: str = field(default_factory=lambda: uuid4().hex)
    last: Answer | None = None
    conversations: Conversations = field(init=False)

    def __post_init__(self) -> None:
        self.conversations = Conversations(self.switchboard)

    async def ask(self, text: str) -> Final:
        """Shows the answer as it comes; returns its last part."""
        screen = Screen(self.terminal.style, self.terminal.width)
        final: Final | None = None
        turn = Turn("console", self.thread, uuid4().hex, text, knowledge_base_ids=self.knowledge_base_ids)
        async with aclosing(self.conversations.replies(turn)) as replies:
            async for reply in replies:
                self.terminal.write(screen.show(reply))
                final = reply if isinstance(reply, Final) else final
        assert final is not None, "a reply ends with exactly one Final"
        self.last = final if isinstance(final, Answer) else self.last
        return final

    async def take(self, line: Line) -> bool:
        """Does what the line says; False when the person leaves."""
        match line:
            case Ask(text):
                await self._ask_until_interrupted(text)
            case Command("quit"):
                return False
            case Command(verb):
                self.terminal.write(self._command(verb) + "\n")
            case Unknown(word):
                self.terminal.write(f"There is no command {word!r}. /help shows them.\n")
            case Nothing():
                pass
        return True

    def _command(self, verb: str) -> str:
        if verb == "help":
            return HELP
        if verb == "new":
            self.thread, self.last = uuid4().hex, None
            return "A new conversation."
        citations = self.last.citations if self.last else ()
        notes = footnotes(citations, self.terminal.style, sentences=True)
        return notes.strip("\n") or "The last answer has no sources."

    async def _ask_until_interrupted(self, text: str) -> None:
        asking = asyncio.ensure_future(self.ask(text))
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, asking.cancel)
        try:
            await asking
        except asyncio.CancelledError:
            if not asking.cancelled():
                raise
            self.terminal.write("\n(no longer watching; the answer is finished and kept)")
        finally:
            loop.remove_signal_handler(signal.SIGINT)
        self.terminal.write("\n")


async def run(switchboard: Switchboard, *, out: TextIO | None = None, name: str = "") -> int:
    """Until the person leaves or the input ends. Returns an exit code: 1 if the last answer was trouble."""
    terminal = Terminal.of(out or sys.stdout)
    chat = Chat(switchboard, terminal)
    last: Final | None = None
    if sys.stdin.isatty():
        terminal.write(f"Switchboard{f', as {name}' if name else ''}. /help says what you can do.\n\n")
        await _converse(chat, _prompt(_history_file()))
        return 0
    async for line in _piped_lines():
        wanted = parse(line)
        if isinstance(wanted, Ask):
            terminal.write(f"{PROMPT}{wanted.text}\n")
            last = await chat.ask(wanted.text)
            terminal.write("\n")
        elif not await chat.take(wanted):
            break
    return 1 if isinstance(last, Trouble) else 0


async def _converse(chat: Chat, read_line: ReadLine) -> None:
    while (line := await read_line()) is not None:
        if not await chat.take(parse(line)):
            return


async def _piped_lines() -> AsyncIterator[str]:
    while line := await asyncio.to_thread(sys.stdin.readline):
        yield line


def _prompt(history: Path) -> ReadLine:
    # lazy: prompt_toolkit takes half a second to import, which a pipe need not pay.
    from prompt_toolkit import PromptSession
    from prompt_toolkit.history import FileHistory

    session: PromptSession[str] = PromptSession(history=FileHistory(str(history)))

    async def read_line() -> str | None:
        try:
            return await session.prompt_async(PROMPT)
        except KeyboardInterrupt:
            return ""
        except EOFError:
            return None

    return read_line


def _history_file() -> Path:
    """What was asked, readable by its owner only."""
    base = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    folder = base / "switchboard"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / "console-history"
    path.touch(mode=0o600, exist_ok=True)
    return path
