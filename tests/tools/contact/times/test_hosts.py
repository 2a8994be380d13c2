"""Who receives for what, out of a file."""

from datetime import time, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from tools.servers.contact.people import Owner
from tools.servers.contact.times.hosts import DEFAULT, BadHosts, Hosts, NoSuchHost, read_hosts

EXAMPLE = Path(__file__).parents[4] / "examples" / "hosts.yaml"
SOMEBODY = Owner(UUID(int=1), UUID(int=2))
ELSEWHERE = Owner(UUID(int=9), UUID(int=2))
TWO = """
hosts:
  - id: a
    name: Team A
    organisation: 00000000-0000-0000-0000-000000000001
    people: [{name: Dana Hart, email: dana@a.example}, {name: Sam Hill, email: sam@a.example}]
    topics: [training]
  - id: b
    name: Team B
    people: [{name: Dana Moor, email: dana.moor@b.example}]
    topics: [invoice, price list]
"""


@pytest.fixture
def hosts(tmp_path: Path) -> Hosts:
    file = tmp_path / "hosts.yaml"
    file.write_text(TWO)
    return read_hosts(file)


def test_the_sample_is_read_and_the_first_host_is_the_default() -> None:
    found = read_hosts(EXAMPLE)
    host = found.find(SOMEBODY, None, None, None)
    assert host.id == "office"
    assert host.hours.weekly[3] == ((time(9), time(12, 30)), (time(13, 30), time(19)))
    assert (host.hours.after, host.hours.notice) == (timedelta(minutes=10), timedelta(hours=2))
    assert host.phone
    assert found.find(SOMEBODY, None, None, "I want ACE training for my crew").id == "training"
    assert found.find(SOMEBODY, None, "defence", None).id == "sales-europe"
    assert found.zone_of(SOMEBODY, "Jonas.Keller@example.com") == "Europe/Berlin"


@pytest.mark.parametrize("said", ["dana hart", "  Dana  Hart ", "dana@a.example", "DANA@A.EXAMPLE", "Sam"])
def test_with_a_person_is_with_that_person_alone(hosts: Hosts, said: str) -> None:
    [person] = hosts.find(SOMEBODY, said, None, "invoice").people
    assert person.name in {"Dana Hart", "Sam Hill"}


@pytest.mark.parametrize("said", ["Team A", "team a", "the Team A", "a", "the Team A team"])
def test_with_a_team_is_with_all_of_it(hosts: Hosts, said: str) -> None:
    assert len(hosts.find(SOMEBODY, said, None, None).people) == 2


def test_a_name_that_two_have_is_asked_about(hosts: Hosts) -> None:
    with pytest.raises(NoSuchHost) as told:
        hosts.find(SOMEBODY, "Dana", None, None)
    assert told.value.hint == "Say which one: Dana Hart or Dana Moor?"


@pytest.mark.parametrize("said", ["Nobody", "Dan", "ana", "dana@elsewhere.example"])
def test_a_name_that_nobody_has_is_not_another_ones(hosts: Hosts, said: str) -> None:
    with pytest.raises(NoSuchHost) as told:
        hosts.find(SOMEBODY, said, None, None)
    assert "Dana Hart" in told.value.hint


@pytest.mark.proves("CAL-106")
def test_hosts_of_an_organisation_are_not_another_ones(hosts: Hosts) -> None:
    assert hosts.keeps(SOMEBODY, "dana@a.example")
    assert not hosts.keeps(ELSEWHERE, "dana@a.example")
    assert hosts.keeps(ELSEWHERE, "dana.moor@b.example")
    assert hosts.find(ELSEWHERE, "Dana", None, "training").people[0].name == "Dana Moor"
    with pytest.raises(NoSuchHost) as told:
        hosts.find(ELSEWHERE, "Sam Hill", None, None)
    assert "Hart" not in told.value.hint


def test_without_a_file_there_is_an_office() -> None:
    assert read_hosts(None) is DEFAULT
    assert DEFAULT.find(SOMEBODY, None, "anything", "anything").id == "office"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("hosts: []", "hosts"),
        ("hosts: [{id: a}]", "hosts.0.name"),
        (TWO.replace("topics: [training]", "hours: {tz: Mars/Base}"), "hosts.0.hours.tz"),
        (
            TWO.replace("topics: [training]", "hours: {weekly: {mon: ['17:00-09:00']}}"),
            "hosts.0.hours.weekly.mon.0",
        ),
        (TWO.replace("topics: [training]", "favourite: cake"), "hosts.0.favourite"),
        ("{", "YAML"),
    ],
)
def test_a_file_that_is_wrong_is_refused_at_its_place(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "hosts.yaml"
    file.write_text(text)
    with pytest.raises(BadHosts, match=told):
        read_hosts(file)
    with pytest.raises(BadHosts, match="cannot be read"):
        read_hosts(tmp_path / "none.yaml")
