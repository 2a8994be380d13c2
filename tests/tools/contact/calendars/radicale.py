"""A real CalDAV server: radicale as a process on loopback, with accounts and rights of its own."""

import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx

USER, PASSWORD = "switchboard", "its-password"


@dataclass
class Radicale:
    """tag: each test has calendars of its own, by a name that no other has."""

    root: str
    folder: Path
    process: subprocess.Popen[bytes]
    tag: str = field(default_factory=lambda: uuid4().hex)

    auth = (USER, PASSWORD)

    @property
    def template(self) -> str:
        return f"{self.root}/{self.tag}-{{email}}/calendar"

    def of(self, email: str) -> str:
        return self.template.replace("{email}", email)

    def makes(self, email: str) -> None:
        """An empty calendar, as radicale keeps it: three requests less for each test."""
        self.calendar(email).mkdir(parents=True)
        (self.calendar(email) / ".Radicale.props").write_text('{"tag": "VCALENDAR"}')

    def calendar(self, email: str) -> Path:
        return self.folder / "collection-root" / f"{self.tag}-{email}" / "calendar"

    async def puts(self, email: str, text: str) -> None:
        async with httpx.AsyncClient(auth=self.auth, trust_env=False, timeout=20) as http:
            made = await http.put(f"{self.of(email)}/{uuid4()}.ics", content=text.encode())
            assert made.status_code == 201, made.text

    def events(self, email: str) -> int:
        return len(list(self.calendar(email).glob("*.ics")))

    async def hangs(self) -> None:
        """It accepts connections and answers nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def goes_on(self) -> None:
        self.process.send_signal(signal.SIGCONT)


@contextmanager
def running_radicale() -> Generator[Radicale]:
    with tempfile.TemporaryDirectory(prefix="sb-radicale-") as made:
        folder = Path(made)
        (folder / "users").write_text(f"{USER}:{PASSWORD}\n")
        (folder / "rights").write_text(f"[ours]\nuser: {USER}\ncollection: .*\npermissions: RrWw\n")
        port = _free_port()
        (folder / "config").write_text(_config(folder, port))
        command = [sys.executable, "-m", "radicale", "--config", str(folder / "config")]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _wait_until_it_answers(port, process)
            yield Radicale(f"http://127.0.0.1:{port}", folder / "data", process)
        finally:
            process.kill()
            process.wait()


def _config(folder: Path, port: int) -> str:
    return (
        f"[server]\nhosts = 127.0.0.1:{port}\n"
        f"[auth]\ntype = htpasswd\nhtpasswd_filename = {folder}/users\nhtpasswd_encryption = plain\n"
        f"[rights]\ntype = from_file\nfile = {folder}/rights\n"
        f"[storage]\nfilesystem_folder = {folder}/data\n"
    )


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def _wait_until_it_answers(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise AssertionError("radicale did not start")


def single(start: datetime, end: datetime) -> str:
    return vcalendar(f"DTSTART:{_utc(start)}\nDTEND:{_utc(end)}")


def vcalendar(*events: str, uid: str | None = None) -> str:
    """Of the given properties, one event each; all have one UID where it is given."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//tests//EN"]
    for event in events:
        own = uid or f"{uuid4()}@tests"
        lines += ["BEGIN:VEVENT", f"UID:{own}", "DTSTAMP:20260101T000000Z", *event.splitlines(), "END:VEVENT"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""])


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
