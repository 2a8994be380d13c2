"""Who receives for what: a file of the deployment (SWITCHBOARD_CONTACT__HOSTS), see examples/hosts.yaml."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Final, Literal
from uuid import UUID

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from kit.errors import Invalid
from tools.servers.contact.people import Owner, Person, address
from tools.servers.contact.times.hours import OfficeHours
from tools.servers.contact.times.zones import UnknownZone, zone

_WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)")


class BadHosts(ValueError):
    """The file of hosts cannot be used; the message names the place in it."""


class NoSuchHost(Invalid):
    """`those`: whom to choose from."""

    code = "no_such_host"
    title = "Nobody of that name takes appointments here"
    default_hint = "Name one of the people or teams who do, or leave it open."

    def __init__(self, detail: str, *, hint: str | None = None, those: "Sequence[Host]" = ()) -> None:
        super().__init__(detail, hint=hint)
        self.those = tuple(those)


@dataclass(frozen=True, slots=True)
class Host:
    """people: who takes part, the first one invites. organisation_id: None is every organisation's."""

    id: str
    name: str
    people: tuple[Person, ...]
    hours: OfficeHours
    services: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    location: str = ""
    phone: str = ""
    organisation_id: UUID | None = None


@dataclass(frozen=True)
class Hosts:
    """In the order of the file; the first one of an organisation is its default."""

    all: tuple[Host, ...]

    def of(self, owner: Owner) -> tuple[Host, ...]:
        """Those of the organisation: nobody reads the calendars of another one's."""
        return tuple(one for one in self.all if one.organisation_id in {None, owner.organisation_id})

    def find(self, owner: Owner, with_: str | None, service: str | None, topic: str | None) -> Host:
        """with_: a person's name or address (the host is then that person alone), or a team's. Else the host
        whose service and topics fit best, else the first one. Raises NoSuchHost."""
        mine = self.of(owner)
        if not mine:
            raise NoSuchHost("Nobody takes appointments here yet.", hint="Ask an admin to name the hosts.")
        if with_ and with_.strip():
            return _named(mine, with_)
        return max(mine, key=lambda host: _fit(host, service, topic))

    def at(self, owner: Owner, email: str) -> Host | None:
        """The first host that this person is part of."""
        return self._by_address.get((owner.organisation_id, address(email))) or self._by_address.get(
            (None, address(email))
        )

    def keeps(self, owner: Owner, email: str) -> bool:
        """Whether a calendar of this person is read and written for this organisation."""
        return self.at(owner, email) is not None

    def zone_of(self, owner: Owner, email: str) -> str:
        """Whose whole days and floating times are meant by whose clock."""
        host = self.at(owner, email)
        return host.hours.tz if host else "UTC"

    @cached_property
    def _by_address(self) -> Mapping[tuple[UUID | None, str], Host]:
        found: dict[tuple[UUID | None, str], Host] = {}
        for host in self.all:
            for person in host.people:
                found.setdefault((host.organisation_id, person.address), host)
        return found


DEFAULT: Final = Hosts(
    (
        Host(
            "office",
            "our office",
            (Person("office@switchboard.localhost", "Our office"),),
            OfficeHours("Australia/Sydney"),
        ),
    )
)
"""Without a file: one calendar, nine to five."""


def read_hosts(path: Path | None) -> Hosts:
    """Raises BadHosts with the place that is wrong."""
    if path is None:
        return DEFAULT
    try:
        written = _File.model_validate(yaml.safe_load(path.read_text()))
    except OSError as error:
        raise BadHosts(f"{path} cannot be read: {error.strerror}.") from error
    except yaml.YAMLError as error:
        raise BadHosts(f"{path} is not YAML: {error}") from error
    except ValidationError as error:
        raise BadHosts(f"{path}: {_told(error)}") from error
    return Hosts(tuple(one.host() for one in written.hosts))


def _told(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:5])


def _named(hosts: tuple[Host, ...], with_: str) -> Host:
    wanted = _bare(" ".join(address(with_).split()))
    for fits in (_same, _first_name):
        found = list(_found(hosts, wanted, fits))
        if len(found) == 1 or (found and fits is _same):
            return found[0]
        if found:
            raise _several(found)
    names = {one.casefold(): one for host in hosts for one in (*_names(host), host.name)}
    raise NoSuchHost(
        "Nobody of that name takes appointments here.",
        hint=f"These do: {', '.join(names.values())}.",
        those=hosts,
    )


def _several(found: Sequence[Host]) -> NoSuchHost:
    names = " or ".join(sorted({host.people[0].name for host in found}))
    return NoSuchHost("There is more than one of that name.", hint=f"Say which one: {names}?", those=found)


def _names(host: Host) -> Iterator[str]:
    return (person.name for person in host.people if person.name)


def _bare(name: str) -> str:
    """ "the training team" is whoever is called Training."""
    return name.removeprefix("the ").removesuffix(" team").strip() or name


def _same(name: str, wanted: str) -> bool:
    return _bare(name.casefold()) == wanted


def _first_name(name: str, wanted: str) -> bool:
    return wanted in name.casefold().split()


def _found(hosts: tuple[Host, ...], wanted: str, fits: Callable[[str, str], bool]) -> Iterator[Host]:
    """Teams first; a person once, in the first host that has them, as a host of their own."""
    yield from (host for host in hosts if wanted == host.id.casefold() or fits(host.name, wanted))
    seen = set[str]()
    for host in hosts:
        for person in host.people:
            named = person.address == wanted or fits(person.name, wanted)
            if named and person.address not in seen:
                seen.add(person.address)
                yield replace(host, name=person.name or person.email, people=(person,))


def _fit(host: Host, service: str | None, topic: str | None) -> tuple[int, int]:
    """How many of its topics are in what was said; before that, whether the service is its own."""
    said = set(re.findall(r"\w+", (topic or "").casefold()))
    in_topic = sum(set(re.findall(r"\w+", one.casefold())) <= said for one in host.topics)
    named = (service or "").casefold()
    served = any(one.casefold() == named for one in host.services)
    spoken = any(one.casefold() in said for one in host.services)
    return 2 * served + spoken, in_topic


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _checked_hours(written: str) -> str:
    found = _HOURS.fullmatch(written)
    if found is None or (found[3] is not None and found[0][:5] >= found[0][6:]):
        raise ValueError("write hours as 09:00-12:30, the first one earlier")
    return written


def _checked_zone(name: str) -> str:
    try:
        zone(name)
    except UnknownZone as error:
        raise ValueError("not an IANA time zone, such as Australia/Sydney") from error
    return name


class _PersonFile(_Strict):
    email: Annotated[str, Field(pattern=r"^[^@\s<>,;]+@[^@\s<>,;]+$", max_length=254)]
    name: str = ""


class _HoursFile(_Strict):
    tz: Annotated[str, AfterValidator(_checked_zone)] = "Australia/Sydney"
    weekly: dict[
        Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
        list[Annotated[str, AfterValidator(_checked_hours)]],
    ] = Field(default_factory=lambda: {day: ["09:00-17:00"] for day in ("mon", "tue", "wed", "thu", "fri")})
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None
    subdivision: Annotated[str, Field(pattern=r"^[A-Z0-9]{1,6}$")] | None = None
    closed: list[date] = []
    before_min: Annotated[int, Field(ge=0, le=240)] = 0
    after_min: Annotated[int, Field(ge=0, le=240)] = 0
    notice_min: Annotated[int, Field(ge=0, le=60 * 24 * 60)] = 120
    step_min: Annotated[int, Field(ge=5, le=240)] = 30

    def hours(self) -> OfficeHours:
        return OfficeHours(
            tz=self.tz,
            weekly={_WEEKDAYS.index(day): tuple(map(_interval, of)) for day, of in self.weekly.items()},
            country=self.country,
            subdivision=self.subdivision,
            closed=frozenset(self.closed),
            before=timedelta(minutes=self.before_min),
            after=timedelta(minutes=self.after_min),
            notice=timedelta(minutes=self.notice_min),
            step=timedelta(minutes=self.step_min),
        )


def _interval(written: str) -> tuple[time, time]:
    opens, _, closes = written.partition("-")
    return time.fromisoformat(opens), time() if closes == "24:00" else time.fromisoformat(closes)


class _HostFile(_Strict):
    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=60)]
    name: Annotated[str, Field(min_length=1, max_length=100)]
    people: Annotated[list[_PersonFile], Field(min_length=1, max_length=20)]
    organisation: UUID | None = None
    services: list[str] = []
    topics: list[str] = []
    location: str = ""
    phone: str = ""
    hours: _HoursFile = Field(default_factory=_HoursFile)

    def host(self) -> Host:
        return Host(
            id=self.id,
            name=self.name,
            people=tuple(Person(one.email, one.name) for one in self.people),
            hours=self.hours.hours(),
            services=tuple(self.services),
            topics=tuple(self.topics),
            location=self.location,
            phone=self.phone,
            organisation_id=self.organisation,
        )


class _File(_Strict):
    hosts: Annotated[list[_HostFile], Field(min_length=1)]
