"""Replies → terminal text. Pure: feed it the parts of a reply, write what it returns.

3 weeks, and 4 after five years [1].

Sources
[1] Leave › Annual leave, p. 2 · 97 %
    “Full-time staff get 3 weeks …”
    http://localhost:8000/api/v1/documents/…/content#annual-leave
"""

import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from bot.console.plain import PLAIN, Style, one_line, readable, said
from bot.console.questions import field_lines, message, prompt
from bot.core.asking import fields_of
from bot.core.reply import Answer, Cited, Question, Reply, Retracted, Status, Text, Trouble
from kit.wire.chat import Citation
from kit.wire.interactions import Form

QUOTE_SHOWN = 240
_QUOTED = re.compile(r"(?<=/content)\?quote=[^#]*")
_OPEN_LINK = re.compile(r"\[[^\]]*$|\]\([^)]*$|(?<!\d)\]$|[*!]$")
_PENDING_LIMIT = 600
HELP = """\
Ask in your own words. Answers come from the documents that you can see, with their sources.
  /sources   the sources of the last answer, with the sentence that each supports
  /book      book a meeting: /book with Dana next Tuesday about …; /meetings shows yours
  /tools     the tools that you may use; /call TOOL name=value … calls one
  /pending   what waits for an answer of yours; /pending N answers it
  /new       start a new conversation
  /quit      leave (also Ctrl-D)
  Ctrl-C     stop watching an answer; it is finished and kept on the platform"""


@dataclass(slots=True)
class Screen:
    """One reply as it grows. `width` 0: the reader's own pager or terminal breaks the lines."""

    style: Style = PLAIN
    width: int = 0
    asks: bool = False
    """The person is asked right here, after the reply."""
    _pending: str = ""
    _column: int = 0
    _shown: bool = False
    _waiting: bool = False

    def show(self, reply: Reply) -> str:
        """What to write to the terminal for this part."""
        match reply:
            case Status():
                return self._status(reply.text)
            case Text():
                return self._clear() + self._text(reply.text)
            case Cited():
                return ""
            case Retracted():
                return self._clear() + self._retracted(reply.text)
            case Answer():
                return self._clear() + self._end(reply)
            case Question():
                return self._clear() + self._cut_short() + ("" if self.asks else _question(reply))
            case Trouble():
                return self._clear() + self._cut_short() + trouble(reply, self.style)

    def _status(self, text: str) -> str:
        # Only a terminal can take a line back.
        if not self.style.reset or self._shown:
            return ""
        before, self._waiting = self._clear(), True
        return f"{before}{self.style.dim}{one_line(text)[: self.width or 70]}…{self.style.reset}"

    def _clear(self) -> str:
        waiting, self._waiting = self._waiting, False
        return "\r\x1b[K" if waiting else ""

    def _text(self, text: str) -> str:
        """Holds back what may be half a mark of Markdown."""
        self._pending += text
        half = _ends_in_half_a_mark(self._pending.rpartition("\n")[2])
        return "" if half and len(self._pending) < _PENDING_LIMIT else self._flush()

    def _flush(self) -> str:
        text, self._pending = self._pending, ""
        self._shown = self._shown or bool(text)
        return self._wrap(readable(text, self.style))

    def _cut_short(self) -> str:
        text = self._flush()
        return f"{text}\n" if self._shown else ""

    def _wrap(self, text: str) -> str:
        if not self.width:
            return text
        return "".join([self._place(word) for word in re.findall(r"\n|[^\S\n]+|\S+", text)])

    def _place(self, word: str) -> str:
        if word == "\n":
            self._column = 0
            return word
        length = len(re.sub(r"\x1b\[\d*m", "", word))
        if self._column and not word.isspace() and self._column + length > self.width:
            self._column = length
            return "\n" + word
        self._column += length
        return word

    def _retracted(self, text: str) -> str:
        self._pending = ""
        return f"\n{self.style.dim}(withdrawn: {one_line(text)}){self.style.reset}\n"

    def _end(self, answer: Answer) -> str:
        """An answer whose pieces got lost on the way is shown whole."""
        text = (
            self._flush() if self._shown or self._pending else self._wrap(readable(answer.text, self.style))
        )
        return f"{text.rstrip()}\n{degraded(answer, self.style)}{footnotes(answer.citations, self.style)}"


def _ends_in_half_a_mark(line: str) -> bool:
    return bool(line.count("**") % 2 or line.count("`") % 2 or _OPEN_LINK.search(line))


def degraded(answer: Answer, style: Style = PLAIN) -> str:
    if not answer.degraded:
        return ""
    missing = one_line(", ".join(answer.degraded))
    return f"{style.dim}Not available for this answer: {missing}.{style.reset}\n"


def footnotes(citations: Iterable[Citation], style: Style = PLAIN, *, sentences: bool = False) -> str:
    """One note per number; with `sentences`, also what each supports."""
    by_number: dict[int, Citation] = {}
    for citation in citations:
        by_number.setdefault(citation.n, citation)
    if not by_number:
        return ""
    notes = [_note(by_number[n], style, sentences) for n in sorted(by_number)]
    return f"\n{style.bold}Sources{style.reset}\n" + "\n".join(notes) + "\n"


def _note(citation: Citation, style: Style, sentences: bool) -> str:
    lines = [f"[{citation.n}] {place(citation)} · {citation.confidence:.0%}"]
    if sentences:
        lines.append(f"    supports: {one_line(readable(citation.sentence))}")
    lines.append(f"    {style.dim}“{_short(one_line(readable(citation.quote)))}”{style.reset}")
    if citation.url:
        lines.append(f"    {one_line(_address(citation.url))}")
    return "\n".join(lines)


def _address(url: str) -> str:
    """Without the quote to mark on our own page: it stands above, and percent signs are unreadable."""
    return _QUOTED.sub("", url)


def _short(quote: str) -> str:
    """Its beginning and its end: a long quote begins with a lead-in or heads, and ends with what was said."""
    if len(quote) <= QUOTE_SHOWN:
        return quote
    beginning = textwrap.shorten(quote[: QUOTE_SHOWN // 3], QUOTE_SHOWN // 3, placeholder="")
    end = quote[-QUOTE_SHOWN // 2 :].partition(" ")[2]
    return f"{beginning} … {end}"


def place(citation: Citation) -> str:
    """Title › section, p. 3"""
    title, section = one_line(citation.title), one_line(citation.section)
    where = f"{title} › {section}" if section and section != title else title
    return f"{where}, p. {citation.page}" if citation.page else where


def trouble(reply: Trouble, style: Style = PLAIN) -> str:
    """What happened, the next step, and the request id: never nothing."""
    sentence = f"{style.red}{said(reply.detail, reply.hint)}{style.reset}"
    return f"{sentence}\n{style.dim}Request id: {one_line(reply.request_id)}{style.reset}\n"


def _question(reply: Question) -> str:
    """Where nobody can be asked right here: what is asked, and how to answer it."""
    forms = [Form.model_validate(form) for form in reply.form.get("forms", ())]
    lines = [f"{one_line(str(reply.form.get('title') or 'A tool asks you'))}\n"]
    for form in forms:
        lines.append(message(form))
        lines += [
            f"{field_lines(field)}{prompt(field).rstrip(': ')}  →  {one_line(field.name)}=…\n"
            for field in fields_of(form)
        ]
    return "".join(lines) + how_to_answer(str(reply.interaction_id), reply.expires_at)


def how_to_answer(interaction_id: str, expires_at: datetime) -> str:
    return (
        f"It waits until {expires_at.astimezone():%Y-%m-%d %H:%M}. Answer it with:\n"
        f"  switchboard answer {interaction_id} field=value …   (or --decline)\n"
    )
