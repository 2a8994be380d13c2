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
