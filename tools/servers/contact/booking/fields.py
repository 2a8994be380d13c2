"""The fields of the booking form, and what only we can check of them: each fault has its sentence."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from tools.servers.asking import Elicitation
from tools.servers.contact.mail.errors import MailRefused
from tools.servers.contact.mail.message import ascii_address
from tools.servers.contact.plain import many_lines, one_line
from tools.servers.contact.times import words

Json = dict[str, Any]
DURATIONS: Final = (15, 30, 45, 60, 90, 120)
REASONS: Final = {
    "training": "Training",
    "operational": "Operations",
    "media": "Media",
    "tender": "Tender",
    "other": "Something else",
}
_EMAIL: Final = re.compile(r"[^@\s<>,;\"]{1,64}@[^@\s<>,;\"]+\.[^@\s<>,;.\"]{2,}")
_PHONE: Final = re.compile(r"\+[1-9]\d{6,14}")
_BETWEEN_DIGITS: Final = re.compile(r"[\s().\-/]")
_NO_ADDRESS: Final = "This is not an e-mail address. Write it as name@example.com."
_MINUTES: Final = re.compile(r"[0-9]{1,4}")
_LONGEST_WINDOW: Final = 200
_YES_NO: Final = {"type": "boolean", "default": False}
WHEN: Final = 'In your own words, such as "next Tuesday afternoon" or "1 December at 10".'


class Fault(Exception):
    """What is wrong with a field: one sentence that says how to write it."""


@dataclass(frozen=True, slots=True)
class Around:
    """Now, and the zone in which the person reads times."""

    now: datetime
    tz: str


@dataclass(frozen=True, slots=True)
class Field:
    """read: a value that is there → what is kept. Raises Fault."""

    title: str
    schema: Json
    read: Callable[[Any, Around], Any]
    required: bool = False
    hint: str = ""


def _line(limit: int) -> Callable[[Any, Around], str]:
    def read(given: Any, around: Around) -> str:
        text = one_line(str(given))
        if len(text) > limit:
            raise Fault(f"This is too long: at most {limit} characters.")
        return text

    return read


def _text(given: Any, around: Around) -> str:
    return many_lines(str(given))[:2000]


def _email(given: Any, around: Around) -> str:
    address = str(given).strip()
    if len(address) > 254 or one_line(address) != address or not _EMAIL.fullmatch(address):
        raise Fault(_NO_ADDRESS)
    try:
        # what the mail would refuse later is said here
        ascii_address(address)
    except MailRefused as error:
        raise Fault(_NO_ADDRESS) from error
    return address


def _phone(given: Any, around: Around) -> str:
    number = _BETWEEN_DIGITS.sub("", str(given).strip())
    number = f"+{number[2:]}" if number.startswith("00") else number
    if not _PHONE.fullmatch(number):
        raise Fault("Write it with the country code, such as +61 2 5550 1234.")
    return number


def window_of(given: Any, around: Around) -> str:
    said = one_line(str(given)[:_LONGEST_WINDOW])
    if len(str(given)) > _LONGEST_WINDOW or words.window(said, around.now, around.tz) is None:
        raise Fault(f"This time was not understood, or it is over. {WHEN}")
    return said


def _duration(given: Any, around: Around) -> int:
    text = str(given)
    # not isdigit: "³" is one, and no number
    if not _MINUTES.fullmatch(text) or not 15 <= int(text) <= 480:
        raise Fault("Choose one of the durations.")
    return int(text)


def _reason(given: Any, around: Around) -> str:
    if not isinstance(given, str) or given not in REASONS:
        raise Fault("Choose one of the reasons.")
    return given


def _agreed(given: Any, around: Around) -> bool:
    if given is not True:
        raise Fault("Without this nothing can be booked.")
    return True


def _yes_or_no(given: Any, around: Around) -> bool:
    return given is True


def form_fields(privacy: str, contact: str) -> dict[str, Field]:
    """In the order in which they are asked. privacy, contact: the sentences that are agreed to."""
    return {
        "first_name": Field("First name", _string(100), _line(100), required=True),
        "last_name": Field("Last name", _string(100), _line(100), required=True),
        "email": Field(
            "E-mail", {"type": "string", "format": "email", "maxLength": 254}, _email, required=True
        ),
        "phone": Field("Phone", _string(40), _phone, hint="With the country code, such as +61 2 5550 1234."),
        "company": Field("Company", _string(200), _line(200)),
        "topic": Field("Topic", _string(200), _line(200), required=True, hint="What it is about."),
        "reason": Field("Reason", _choice(REASONS, "other"), _reason, required=True),
        "window": Field("When suits you?", _string(200), window_of, required=True, hint=WHEN),
        "duration": Field(
            "How long?", _choice({str(n): f"{n} minutes" for n in DURATIONS}, "30"), _duration, required=True
        ),
        "message": Field("Anything else?", _string(2000), _text),
        "consent_privacy": Field("I agree (needed)", dict(_YES_NO), _agreed, required=True, hint=privacy),
        "consent_contact": Field("Contact me later", dict(_YES_NO), _yes_or_no, hint=contact),
    }


def host_field(names: Mapping[str, str]) -> Field:
    """names: of those who receive, by id; the first one stands there."""

    def chosen(given: Any, around: Around) -> str:
        if not isinstance(given, str) or given not in names:
            raise Fault("Choose one of them.")
        return given

    return Field("With whom?", _choice(names, next(iter(names))), chosen, required=True)


def read(
    fields: Mapping[str, Field], given: Mapping[str, Any], around: Around
) -> tuple[Json, dict[str, str]]:
    """(values, faults by field). Nothing, blanks and null are the same."""
    values: Json = {}
    faults: dict[str, str] = {}
    for name, field in fields.items():
        value = given.get(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            if field.required:
                faults[name] = "Please fill this in."
            continue
        try:
            values[name] = field.read(value, around)
        except Fault as fault:
            faults[name] = str(fault)
    return values, faults


def ask(
    fields: Mapping[str, Field],
    message: str,
    given: Mapping[str, Any] | None = None,
    faults: Mapping[str, str] | None = None,
) -> Elicitation:
    """The form; asked again, it holds what was given, and says on each field what is wrong with it."""
    wrong = faults or {}
    titles = ", ".join(fields[name].title.rstrip("?.") for name in wrong)
    told = f"Please correct: {titles}.\n{message}" if wrong else message
    return Elicitation(
        message=told,
        fields={
            name: _shown(field, (given or {}).get(name), wrong.get(name)) for name, field in fields.items()
        },
        required=tuple(name for name, field in fields.items() if field.required),
    )


def _shown(field: Field, given: Any, fault: str | None) -> Json:
    hint = " ".join(part for part in (f"Please correct this: {fault}" if fault else "", field.hint) if part)
    shown: Json = {**field.schema, "title": field.title}
    if hint:
        shown["description"] = hint
    if given is not None and not (fault and field.schema["type"] == "boolean"):
        shown["default"] = str(given) if "oneOf" in field.schema else given
    return shown


def _string(limit: int) -> Json:
    return {"type": "string", "maxLength": limit}


def _choice(titles: Mapping[str, str], default: str) -> Json:
    options = [{"const": const, "title": title} for const, title in titles.items()]
    return {"type": "string", "oneOf": options, "default": default}
