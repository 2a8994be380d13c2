"""Commands of stdio servers: written on this machine, read by its gateway at once."""

import json
import sys
from pathlib import Path

import pytest

from launch.cli.mcp_commands import CommandRefused, add, remove
from tools.gateway.upstreams.commands import FILE, Command, Commands, CommandsUnreadable, read_commands
from tools.gateway.upstreams.processes import Processes


@pytest.mark.proves("GOV-704")
def test_what_is_added_is_there_without_a_restart_and_gone_once_it_is_removed(tmp_path: Path) -> None:
    known = Commands({}, tmp_path / FILE)
    assert known.find("time") is None
    add(tmp_path, "time", [sys.executable, "-m", "clock"], environment=["TZ"], folder=tmp_path)
    found = known.find("time")
    assert found == Command(
        command=(sys.executable, "-m", "clock"), environment=("TZ",), folder=str(tmp_path)
    )
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert remove(tmp_path, "time") is True
    assert known.find("time") is None
    assert remove(tmp_path, "time") is False


@pytest.mark.proves("GOV-704")
def test_the_settings_word_counts_more_than_the_files(tmp_path: Path) -> None:
    fixed = Command(command=("/bin/true",))
    add(tmp_path, "time", [sys.executable], folder=tmp_path)
    assert Commands({"time": fixed}, tmp_path / FILE).find("time") == fixed


@pytest.mark.proves("GOV-704")
def test_a_file_that_others_may_write_or_that_is_broken_starts_nothing_new(tmp_path: Path) -> None:
    file = tmp_path / FILE
    add(tmp_path, "time", [sys.executable], folder=tmp_path)
    known = Commands({}, file)
    before = known.find("time")
    assert before is not None
    file.write_text(json.dumps({"time": {"command": ["/bin/evil"]}}))
    file.chmod(0o666)
    assert known.find("time") == before
    with pytest.raises(CommandsUnreadable, match="chmod 600"):
        read_commands(file)
    file.chmod(0o600)
    file.write_text('{"time": {"command": []}}')
    assert known.find("time") == before
    with pytest.raises(CommandsUnreadable, match=r"time\.command"):
        read_commands(file)


@pytest.mark.proves("GOV-704")
@pytest.mark.parametrize(
    ("name", "words", "environment", "told"),
    [
        ("../time", [sys.executable], [], "cannot be a name"),
        ("time", ["no-such-program-here"], [], "no program"),
        ("time", [sys.executable], ["API_KEY=sb_secret"], "by its name"),
        ("time", [sys.executable], ["not a name"], "environment"),
        ("time", [sys.executable, "a\x00b"], [], "command"),
        ("time", [], [], "no program"),
    ],
)
def test_what_cannot_be_a_command_is_not_written(
    tmp_path: Path, name: str, words: list[str], environment: list[str], told: str
) -> None:
    with pytest.raises(CommandRefused, match=told) as refused:
        add(tmp_path, name, words, environment=environment, folder=tmp_path)
    assert "sb_secret" not in str(refused.value) + refused.value.hint
    assert not (tmp_path / FILE).exists()


@pytest.mark.proves("GOV-704")
def test_another_command_of_the_same_name_takes_its_place_only_on_demand(tmp_path: Path) -> None:
    add(tmp_path, "time", [sys.executable, "one"], folder=tmp_path)
    with pytest.raises(CommandRefused, match="another command"):
        add(tmp_path, "time", [sys.executable, "two"], folder=tmp_path)
    add(tmp_path, "time", [sys.executable, "two"], folder=tmp_path, replace=True)
    assert read_commands(tmp_path / FILE)["time"].command[1:] == ("two",)


@pytest.mark.proves("GOV-704")
def test_organisations_share_no_process_and_people_only_where_the_command_allows() -> None:
    shared, own = Command(command=("/bin/cat",)), Command(command=("/bin/cat",), per_principal=True)
    processes = Processes(Commands({"shared": shared, "own": own}), 1000)

    def same(command: str, one: str, other: str) -> bool:
        return processes.process(f"stdio:{command}", one) is processes.process(f"stdio:{command}", other)

    assert same("shared", "acme/maya", "acme/tom")
    assert not same("shared", "acme/maya", "other/maya")
    assert not same("own", "acme/maya", "acme/tom")
