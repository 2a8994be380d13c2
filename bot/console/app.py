"""The terminal itself: reads lines, shows replies. Works with a person at a terminal and with a pipe."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO
from uuid import UUID, uuid4

from switchboard_sdk import ApiError, Switchboard

from bot.console import asking, questions
from bot.console.parse import Ask, BadArguments, Command, Line, Nothing, Unknown, arguments_of, parse
from bot.console.plain import COLOURED, PLAIN, Style
from bot.console.render import HELP, Screen, footnotes, how_to_answer, trouble
from bot.core.conversations import Conversations
from bot.core.reply import Answer, Final, Question, Reply, Trouble
from bot.core.turn import Turn
from kit.wire.interactions import Interaction

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
    agent: str | None = None
    read: asking.ReadLine | None = None
    """How the person is asked; None: nobody can be, as in a pipe."""
    thread: str = field(default_factory=lambda: uuid4().hex)
    last: Answer | None = None
    conversations: Conversations = field(init=False)

    def __post_init__(self) -> None:
        self.conversations = Conversations(self.switchboard)

    async def ask(self, text: str) -> Final:
        """Shows the answer as it comes; returns its last part. A question is asked by `settle`."""
        turn = Turn(
            "console",
            self.thread,
            uuid4().hex,
            text,
            knowledge_base_ids=self.knowledge_base_ids,
            agent=self.agent,
        )
        return await self._shown(self.conversations.replies(turn))

    async def go_on_with(self, session_id: UUID, turn_id: UUID) -> Final:
        """Shows the turn that goes on with an answer."""
        return await self._shown(self.conversations.continued(session_id, turn_id))

    async def _shown(self, coming: AsyncGenerator[Reply]) -> Final:
        screen = Screen(self.terminal.style, self.terminal.width, asks=self.read is not None)
        final: Final | None = None
        async with aclosing(coming) as replies:
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
            case Command("pending" | "tools" | "call" as verb, rest):
                await self._troubled(self._with_platform(verb, rest))
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
        await self._watched(self.ask(text))

    async def _watched(self, work: Coroutine[Any, Any, Final]) -> None:
        """Until it ends, or Ctrl-C; and as long as there is something to ask the person."""
        await self._troubled(self._go_on(await self._until_interrupted(work)))

    async def through(self, text: str) -> Final | None:
        """Asks, and asks the person back for as long as there is something to ask; None: it is left open."""
        return await self._go_on(await self._until_interrupted(self.ask(text)))

    async def _go_on(self, final: Final | None) -> Final | None:
        before = ""
        while isinstance(final, Question) and self.read is not None:
            interaction = await self.switchboard.interactions.get(final.interaction_id)
            final = await self._settled(interaction, again=interaction.tool == before)
            before = interaction.tool
        self.terminal.write("\n")
        return final

    async def _until_interrupted(self, work: Coroutine[Any, Any, Final]) -> Final | None:
        watching = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, watching.cancel)
        try:
            return await watching
        except asyncio.CancelledError:
            if not watching.cancelled():
                raise
            self.terminal.write("\n(no longer watching; the answer is finished and kept)")
            return None
        finally:
            loop.remove_signal_handler(signal.SIGINT)

    async def _settled(self, interaction: Interaction, *, again: bool = False) -> Final | None:
        """Asks the person; then shows what came of it: the turn that goes on, or what the tool said."""
        if self.read is None:
            self.terminal.write(how_to_answer(str(interaction.id), interaction.expires_at))
            return None
        person = asking.Asking(self.switchboard, self.read, self.terminal.write, self.terminal.style, again)
        settled = await person.settle(interaction)
        if settled is None:
            return None
        if settled.turn_id is not None and interaction.session_id is not None:
            coming = self.conversations.continued(interaction.session_id, settled.turn_id)
            return await self._until_interrupted(self._shown(coming))
        if settled.refused and interaction.kind == "approval":
            # what the tool's answer says of it is for a model
            self.terminal.write("It was not called.\n")
            return None
        await self._tell_result(await self.switchboard.interactions.wait(interaction.id, longest_s=60))
        return None

    async def _tell_result(self, interaction: Interaction) -> None:
        result = interaction.result
        if result is None:
            return
        self.terminal.write(questions.outcome(result, self.terminal.style))
        if result.interaction_id is not None:
            await self._settled(await self.switchboard.interactions.get(result.interaction_id))

    async def _troubled(self, work: Coroutine[Any, Any, object]) -> None:
        """Never silent: what goes wrong is a sentence with its next step."""
        try:
            await work
        except ApiError as error:
            problem = error.problem
            told = Trouble(problem.code, problem.detail, problem.hint, problem.request_id or "-")
            self.terminal.write(trouble(told, self.terminal.style))
        except BadArguments as error:
            self.terminal.write(f"{error}\n")

    async def _with_platform(self, verb: str, rest: str) -> None:
        match verb:
            case "pending":
                await self._answer_pending(rest)
            case "tools":
                listed = [tool async for tool in self.switchboard.tools.all()]
                self.terminal.write(questions.tools(listed, self.terminal.style))
            case _:
                await self._call(rest)

    async def _answer_pending(self, rest: str) -> None:
        waiting = await asking.open_ones(self.switchboard)
        if not rest:
            self.terminal.write(questions.pending(waiting))
        elif rest.isdecimal() and 0 < int(rest) <= len(waiting):
            await self._go_on(await self._settled(waiting[int(rest) - 1]))
        else:
            known = f"/pending takes a number, 1 to {len(waiting)}." if waiting else questions.pending([])
            self.terminal.write(f"{known.rstrip()}\n")

    async def _call(self, rest: str) -> None:
        name, _, given = rest.partition(" ")
        if not name:
            raise BadArguments("Write /call TOOL name=value …; /tools lists them.")
        tools = [tool async for tool in self.switchboard.tools.all() if tool.name == name]
        arguments = arguments_of(given.strip(), tools[0].input_schema if tools else None)
        done = await self.switchboard.tools.invoke(name, arguments)
        if isinstance(done, Interaction):
            await self._settled(done)
        else:
            self.terminal.write(questions.outcome(done, self.terminal.style))


async def run(
    switchboard: Switchboard, *, out: TextIO | None = None, name: str = "", agent: str | None = None
) -> int:
    """Until the person leaves or the input ends. Returns an exit code: 1 if the last answer was trouble."""
    terminal = Terminal.of(out or sys.stdout)
    chat = Chat(switchboard, terminal, agent=agent)
    last: Final | None = None
    if sys.stdin.isatty():
        terminal.write(f"Switchboard{f', as {name}' if name else ''}. /help says what you can do.\n\n")
        chat.read = _question_prompt()
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


async def once(switchboard: Switchboard, text: str, agent: str | None = None) -> Final | None:
    """One thing said in a terminal, to its end; in a pipe a question is shown with how to answer it."""
    chat = Chat(switchboard, Terminal.of(sys.stdout), agent=agent)
    if not sys.stdin.isatty():
        return await chat.ask(text)
    chat.read = _question_prompt()
    return await chat.through(text)


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


def _question_prompt() -> asking.ReadLine:
    # lazy: see _prompt.
    from prompt_toolkit import PromptSession
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

    keys = KeyBindings()

    @keys.add("escape", eager=True)
    def leave(event: KeyPressEvent) -> None:
        event.app.exit(exception=EOFError())

    # Without a history: what is filled into a form is nobody's to scroll back to.
    session: PromptSession[str] = PromptSession(key_bindings=keys)

    async def read_line(prompt: str) -> str | None:
        try:
            return await session.prompt_async(prompt)
        except (KeyboardInterrupt, EOFError):
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
