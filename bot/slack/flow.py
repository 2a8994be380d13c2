"""An answer as it grows: pieces of Markdown that may be appended now, none of them half of something."""

import re
from dataclasses import dataclass, field

from bot.core.citing import address, unknown
from bot.core.plain import visible
from bot.core.reply import Answer, Cited, Text
from bot.slack.citing import with_links
from bot.slack.text import Table, neutral, parts_of

_UNDECIDED = re.compile(r"(?:<(?:[@!#][^\s<>]*)?|@\w*|!?\[[^\]\n]*(?:\](?:\([^)\n]*)?)?|!|[*_~\\]+)$")
"""At the end of what is there: half a mention, a link, a marker, emphasis."""
_HELD = 600
"""Characters that wait at most for what would decide them."""
_ROOM = 8_500
"""Characters that are streamed; with the sources below them a message holds no more (`blocks.MESSAGE`)."""


@dataclass(slots=True)
class Flow:
    exact: bool = True
    """False: the stream shows something other than the whole answer would (a table, a marker whose citation
    came late, too long)."""
    _pending: str = ""
    _raw: list[str] = field(default_factory=list[str])
    _urls: dict[int, str] = field(default_factory=dict[int, str])
    _table: list[str] = field(default_factory=list[str])
    _fenced: bool = False
    _started: bool = False
    """Some of the line is shown."""
    _last: str = ""
    _length: int = 0
    _unlinked: set[int] = field(default_factory=set[int])

    def feed(self, part: Text | Cited) -> str:
        """Neutral Markdown to append; "" where nothing is ready."""
        if isinstance(part, Cited):
            if part.citation.n in self._unlinked:
                self.exact = False
            self._urls.setdefault(part.citation.n, address(part.citation))
        else:
            self._raw.append(part.text)
            self._pending += visible(part.text)
        return self._room(self._ready())

    def rest(self) -> str:
        """What was held back; nothing follows."""
        text = "".join([*self._lines(), *self._flushed(), self._line(self._pending)])
        self._pending = ""
        return self._room(text)

    def exact_for(self, answer: Answer) -> bool:
        """The stream shows what the whole answer would show. Ask after `rest`."""
        same = "".join(self._raw).strip() == answer.text.strip()
        return self.exact and same and not any(isinstance(part, Table) for part in parts_of(answer.text))

    def _ready(self) -> str:
        return "".join([*self._lines(), *self._half_line()])

    def _lines(self) -> list[str]:
        """Whole lines, as far as they are decided."""
        done: list[str] = []
        while "\n" in self._pending:
            line, _, rest = self._pending.partition("\n")
            if self._is_row(line):
                self._table.append(line)
            elif self._waits(line):
                break
            else:
                done += [*self._flushed(), self._line(f"{line}\n")]
            self._pending = rest
        return done

    def _half_line(self) -> list[str]:
        line = self._pending
        if "\n" in line or self._fenced or self._held_whole(line):
            return []
        at = self._decided(line)
        self._pending = line[at:]
        return [*self._flushed(), self._line(line[:at])] if at else []

    def _held_whole(self, line: str) -> bool:
        start = line.lstrip()
        return not self._started and (not start or start[0] in "|`")

    def _decided(self, line: str) -> int:
        """How much of a line that has not ended can be shown."""
        known = unknown(line, self._urls, self._last)
        ends = [len(line), known if known >= 0 else len(line)]
        tail = _UNDECIDED.search(line)
        if tail and not self._is_known_marker(tail.group()):
            ends.append(tail.start())
        if line.count("`") % 2:
            ends.append(line.rindex("`"))
        at = min(ends)
        return at if len(line) - at < _HELD else len(line)

    def _is_known_marker(self, tail: str) -> bool:
        found = re.fullmatch(r"\[(\d{1,3})\]", tail)
        return found is not None and int(found[1]) in self._urls

    def _waits(self, line: str) -> bool:
        if self._fenced or len(self._pending) >= _HELD:
            return False
        return unknown(line, self._urls, self._last) >= 0

    def _is_row(self, line: str) -> bool:
        return not self._fenced and not self._started and line.lstrip().startswith("|")

    def _line(self, text: str) -> str:
        """As it is shown; what it leaves behind for the next."""
        if not text:
            return ""
        fence = not self._started and text.lstrip().startswith("```")
        shown = neutral(text)
        if not self._fenced and not fence:
            self._note_unlinked(shown)
            shown = with_links(shown, self._urls, self._last)
        if fence:
            self._fenced = not self._fenced
        self._started, self._last = not text.endswith("\n"), text[-1]
        return shown

    def _note_unlinked(self, text: str) -> None:
        at = unknown(text, self._urls, self._last)
        if at >= 0:
            self._unlinked |= {int(n) for n in re.findall(r"\[(\d{1,3})\]", text)} - self._urls.keys()

    def _flushed(self) -> list[str]:
        if not self._table:
            return []
        lines, self._table = "\n".join(self._table), []
        self._last = "\n"
        shown = [part.as_text() if isinstance(part, Table) else part.text for part in parts_of(lines)]
        self.exact = False
        return [with_links("\n\n".join(shown), self._urls), "\n"]

    def _room(self, text: str) -> str:
        """Nothing beyond what one message holds: the whole answer says that there is more."""
        if self._length + len(text) > _ROOM:
            self.exact = False
            self._length = _ROOM + 1
            return ""
        self._length += len(text)
        return text
