import pytest

from bot.console.parse import Ask, Command, Line, Nothing, Unknown, parse


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("How much leave do I get?\n", Ask("How much leave do I get?")),
        ("/help", Command("help")),
        ("  /SOURCES please", Command("sources")),
        ("/exit", Command("quit")),
        ("/soruces", Unknown("/soruces")),
        ("/etc/hosts says what?", Ask("/etc/hosts says what?")),
        (" \t\n", Nothing()),
        ("", Nothing()),
    ],
)
def test_a_typed_line_is_a_question_a_command_or_nothing(line: str, meant: Line) -> None:
    assert parse(line) == meant


def test_booking_is_said_to_the_agent_as_a_person_would_say_it() -> None:
    assert parse("/book with Dana tomorrow") == Ask("I want to book a meeting with Dana tomorrow")
    assert parse("/book") == Ask("I want to book a meeting")
    assert parse("/meetings") == Ask("What have I booked?")
