"""What we say of our own accord: a job is done, a file is being read, a tool is held back (SPEC 3).

Plain text; `{name}` stands where a channel sets a name off (`Told.name`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from bot.core.plain import shortened
from kit.wire.library import Job

Sign = Literal["done", "waits", "wrong", "stopped", "news"]
_SHOWN_ERRORS: Final = 5


@dataclass(frozen=True, slots=True)
class Told:
    """A sentence, and what a channel may show before it. `name`: a file's or tool's own, for `{name}`;
    `more`: lines below it."""

    sign: Sign
    text: str
    name: str = ""
    more: tuple[str, ...] = ()

    def plain(self) -> str:
        return "\n".join([self.text.replace("{name}", self.name), *self.more])


def upload(name: str, job: Job | None, problem: str = "") -> Told:
    """A file on its way into the person's own documents; `problem`: why it is not."""
    name = shortened(name, 120)
    if problem:
        return Told("wrong", f"I could not take {{name}}. {shortened(problem, 400)}", name)
    if job is None or job.status == "queued":
        return Told("waits", "I have {name} and will read it now …", name)
    if job.status == "running":
        return Told("waits", f"Reading {{name}} … {progress(job)}", name)
    if job.status == "cancelled":
        return Told("stopped", "Reading {name} was cancelled.", name)
    if job.errors:
        return _troubled(name, job)
    if job.status == "failed":
        return Told("wrong", "{name} could not be read. Try it again, or in another format.", name)
    return Told("done", "I have read {name}. Ask me about it; only you can see it.", name)


def job_told(payload: Mapping[str, Any], *, details: str) -> Told:
    """job.finished: a job that was started here has ended. `details`: where the channel shows why ("My Home
    tab")."""
    good, total = number(payload.get("good")), number(payload.get("total"))
    match payload.get("status"):
        case "succeeded" if total > 1:
            return Told("done", f"{good} of {total} documents are ready. Ask me about them.")
        case "succeeded":
            return Told("done", "Your document is ready. Ask me about it.")
        case "cancelled":
            return Told("stopped", "Reading your documents was cancelled.")
        case _ if good:
            ready = f"{good} of {total} documents are ready; the others could not be read."
            return Told("wrong", f"{ready} {details} says why.")
        case _:
            return Told("wrong", f"Your document could not be read. {details} says why.")


def tool_told(payload: Mapping[str, Any]) -> Told:
    """tool.quarantined: to whoever may decide about it. What the server now says is not repeated here."""
    tool, server = (shortened(str(payload.get(part, "")), 200) for part in ("tool", "server"))
    text = (
        f"The tool {{name}} of the server {server} is not what was approved any more, so nobody can use it."
        " Look at what has changed, and decide:"
    )
    how = f"switchboard mcp diff {server}"
    return Told("wrong", text, tool, (how,))


def booking_told(payload: Mapping[str, Any]) -> Told:
    """booking.finished {text}: what was still open when the person saw their booking's answer is settled."""
    lines = [shortened(line, 500) for line in str(payload.get("text", "")).splitlines() if line.strip()]
    first, *more = lines[:20] or ["One of your bookings has changed."]
    return Told("news", first, more=tuple(more))


def progress(job: Job) -> str:
    """▓▓▓░░░░░░░ 3 of 10 reading"""
    done = job.progress
    if not done.total:
        return shortened(done.stage, 40)
    part = min(1.0, done.done / done.total)
    bar = "▓" * round(part * 10) + "░" * (10 - round(part * 10))
    return f"{bar} {done.done} of {done.total} {shortened(done.stage, 40)}".rstrip()


def number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _troubled(name: str, job: Job) -> Told:
    total = job.progress.total
    good = max(0, total - len(job.errors))
    text = f"{good} of {total} files in {{name}} are ready; these are not:"
    if total <= 1 or not good:
        text = "{name} could not be read:"
    lines = [
        f"• {shortened(error.document, 100)}: {shortened(error.detail, 250)}"
        for error in job.errors[:_SHOWN_ERRORS]
    ]
    if len(job.errors) > _SHOWN_ERRORS:
        lines.append(f"and {len(job.errors) - _SHOWN_ERRORS} more")
    return Told("wrong", text, name, tuple(lines))
