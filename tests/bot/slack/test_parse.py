"""Slack's payloads, as recorded, and what they mean."""

from collections.abc import Callable, Mapping
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack.happened import (
    Asked,
    ChatOpened,
    Command,
    Deleted,
    Edited,
    File,
    Foreign,
    HomeOpened,
    Shortcut,
    Uninstalled,
    Where,
    Who,
)
from bot.slack.parse import command_of, event_of, pressed_of, shortcut_of, submitted_of
from bot.slack.said import said
from tests.bot.slack.recorded import BOT, NAMES, payload

MAYA = Who("T012AB3C4", "U061F7AUR", "T012AB3C4")
INTERACTION = "0b7d2f0e-52ce-4d8f-9a55-0d0a3d2a7c11"


def happened(name: str, bot: str = BOT) -> Any:
    return event_of(payload(name), bot)


@pytest.mark.proves("SLACK-201")
def test_a_direct_message_asks_in_plain_text() -> None:
    asked = happened("message_im")
    text = "How many weeks of leave & sick days? See the leave page (https://handbook.example/leave)"
    where = Where("T012AB3C4", "D024BE91L", "1764057601.000200", "1764057601.000200", direct=True)
    assert asked == Asked(MAYA, where, text, "Ev00000001")
    assert asked.turn.audience == "private"


@pytest.mark.proves("SLACK-201")
def test_a_reply_belongs_to_its_thread() -> None:
    asked = happened("message_im_thread")
    assert (asked.where.thread, asked.where.ts) == ("1764057601.000200", "1764057701.000300")
    assert asked.turn.external_ref == "slack:T012AB3C4/D024BE91L/1764057601.000200"


@pytest.mark.proves("SLACK-201")
def test_a_mention_asks_without_our_name_and_with_names_for_marks() -> None:
    asked = happened("app_mention")
    assert isinstance(asked, Asked)
    assert asked.text == "what does #people-ops say about <leave>, @sam? @travel 25 Nov"
    assert (asked.where.direct, asked.turn.audience) == (False, "everyone_here")


def test_a_mention_that_comes_again_because_it_was_edited_is_no_second_question() -> None:
    body = payload("app_mention")
    body["event"]["edited"] = {"user": "U061F7AUR", "ts": "1764057901.000000"}
    edited = event_of(body, BOT)
    assert isinstance(edited, Edited)
    assert edited.mentions
    assert edited.text == "what does #people-ops say about <leave>, @sam? @travel 25 Nov"


def test_a_mention_in_the_middle_is_taken_out() -> None:
    assert happened("app_mention_thread").text == "hey , and in Sydney?"
    assert said(f"<@{BOT}>: *one*\n  two  three", [BOT]) == "*one*\n  two  three"


@pytest.mark.proves("SLACK-201")
def test_files_in_a_direct_message_come_along() -> None:
    asked = happened("message_im_file_share")
    roster = "https://files.slack.com/files-pri/T012AB3C4-F0S43PZDF/download/roster_june.pdf"
    assert asked.text == ""
    assert asked.files == (
        File("F0S43PZDF", "Roster June.pdf", roster, 188721, "application/pdf"),
        File("F0GDRIVE1", "Plan", "", 0, "application/vnd.google-apps.document"),
    )


@pytest.mark.proves("SLACK-201")
def test_an_edited_question_names_the_message_that_it_was() -> None:
    edited = happened("message_im_changed")
    assert isinstance(edited, Edited)
    assert (edited.where.ts, edited.text) == (
        "1764057601.000200",
        "How many weeks of leave for part-time staff?",
    )
    assert edited.who == MAYA


@pytest.mark.proves("SLACK-201")
def test_a_deleted_question_names_the_message_and_its_thread() -> None:
    reply, first = happened("message_im_deleted"), happened("message_im_tombstone")
    assert isinstance(reply, Deleted)
    assert isinstance(first, Deleted)
    assert (reply.where.ts, reply.where.thread) == ("1764057701.000300", "1764057601.000200")
    assert first.where.ts == "1764057601.000200"


@pytest.mark.proves("SLACK-202")
@pytest.mark.parametrize(
    "name",
    [
        "message_im_unfurled",
        "message_im_own",
        "message_im_own_changed",
        "message_channel_join",
        "message_channel",
        "tokens_revoked_user",
    ],
)
def test_what_is_not_for_us_is_nothing(name: str) -> None:
    assert happened(name) is None


@pytest.mark.proves("SLACK-202")
def test_our_own_deleted_message_is_nothing() -> None:
    body = payload("message_im_deleted")
    body["event"]["previous_message"]["user"] = BOT
    assert event_of(body, BOT) is None


@pytest.mark.proves("SLACK-202")
def test_the_mention_in_a_direct_message_asks_once() -> None:
    body = payload("app_mention")
    body["event"]["channel"] = "D024BE91L"
    assert event_of(body, BOT) is None


@pytest.mark.proves("SLACK-202")
def test_bots_and_people_of_other_companies_are_foreign() -> None:
    bot, stranger = happened("app_mention_bot"), happened("app_mention_stranger")
    assert isinstance(bot, Foreign)
    assert bot.bot
    assert isinstance(stranger, Foreign)
    assert not stranger.bot
    assert stranger.who.home == "T0OTHER99"


@pytest.mark.proves("SLACK-202")
@pytest.mark.parametrize("field", ["user_team", "source_team", "team"])
def test_one_sign_of_another_company_is_enough(field: str) -> None:
    body = payload("app_mention_shared_own")
    assert isinstance(event_of(body, BOT), Asked)
    body["event"][field] = "T0OTHER99"
    assert isinstance(event_of(body, BOT), Foreign)


@pytest.mark.proves("SLACK-202")
def test_a_stranger_in_a_direct_message_is_foreign() -> None:
    body = payload("message_im")
    body["event"]["user_team"], body["is_ext_shared_channel"] = "T0OTHER99", True
    assert isinstance(event_of(body, BOT), Foreign)


@pytest.mark.proves("SLACK-203")
def test_a_person_of_a_grid_is_one_in_all_its_workspaces() -> None:
    asked = happened("app_mention_grid", "W0BOT9999")
    assert asked.who.identity == "slack:E0GRID123/W061F7AUR"
    assert (asked.where.team, asked.where.enterprise, asked.text) == ("E0GRID123", "E0GRID123", "hello")
    sister = happened("app_mention_grid_sister")
    assert isinstance(sister, Asked)
    assert (sister.where.team, sister.who.workspace) == ("T012AB3C4", "E0GRID123")
    assert pressed_of(payload("pressed_grid")).who.identity == asked.who.identity  # type: ignore[union-attr]
    assert command_of(payload("command_grid")).where.team == "E0GRID123"  # type: ignore[union-attr]


def test_the_tabs_that_are_opened() -> None:
    home, chat = happened("app_home_opened"), happened("app_home_opened_messages")
    assert home == HomeOpened(Who("T012AB3C4", "U061F7AUR"), "T012AB3C4", "Ev00000019")
    assert isinstance(chat, ChatOpened)
    assert (chat.where.channel, chat.where.thread) == ("D024BE91L", "")


def test_leaving_a_workspace() -> None:
    assert happened("app_uninstalled") == Uninstalled("T012AB3C4", "Ev00000021")
    assert happened("tokens_revoked") == Uninstalled("T012AB3C4", "Ev00000022")


@pytest.mark.proves("SLACK-201")
def test_a_slash_command() -> None:
    command = command_of(payload("command_ask"))
    assert isinstance(command, Command)
    assert (command.verb, command.text, command.who) == ("ask", "who is @sam & where?", MAYA)
    assert command.response_url.startswith("https://hooks.slack.com/commands/")


def test_a_command_in_a_direct_message_is_not_taken_for_ours() -> None:
    command = command_of(payload("command_direct"))
    assert command is not None
    assert not command.where.direct


@pytest.mark.proves("SLACK-201")
def test_shortcuts_bring_the_message() -> None:
    ask, save = shortcut_of(payload("shortcut_ask_about")), shortcut_of(payload("shortcut_save_attachment"))
    assert isinstance(ask, Shortcut)
    assert isinstance(save, Shortcut)
    assert ask.text == "The *new* travel rates apply & start in July https://intranet.example/rates"
    assert (ask.where.ts, ask.where.thread, len(ask.files)) == ("1764057000.000900", "1764056000.000100", 1)
    assert (save.callback, save.text) == ("save_to_knowledge", "Deploy 42 is done by <ci>")


@pytest.mark.proves("SLACK-201")
def test_buttons_carry_what_we_wrote_on_them() -> None:
    allowed, voted = pressed_of(payload("pressed_allow")), pressed_of(payload("pressed_vote"))
    assert allowed is not None
    assert voted is not None
    assert (allowed.press, allowed.value) == ("answer", {"interaction": INTERACTION, "action": "accept"})
    assert allowed.where == Where(
        "T012AB3C4", "D024BE91L", "1764057602.000100", "1764057601.000200", direct=True
    )
    assert (voted.press, voted.value["vote"]) == ("vote", "up")


def test_buttons_elsewhere() -> None:
    ephemeral, home = pressed_of(payload("pressed_ephemeral")), pressed_of(payload("pressed_in_home"))
    assert ephemeral is not None
    assert home is not None
    assert ephemeral.ephemeral
    assert ephemeral.press == "privately"
    assert (home.press, home.where, home.value) == ("open_form", None, {"interaction": INTERACTION})
    for name, press in (("pressed_link", "connect"), ("pressed_foreign", "none")):
        pressed = pressed_of(payload(name))
        assert pressed is not None
        assert (pressed.press, pressed.value) == (press, {})


@pytest.mark.proves("SLACK-201")
def test_a_modal_brings_back_what_it_is_about() -> None:
    submitted = submitted_of(payload("submitted_form"))
    assert submitted is not None
    assert (submitted.callback, submitted.about["interaction"]) == ("fill_in", INTERACTION)
    assert submitted.state["f0.0"]["value"]["value"] == "Maya Lee"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("&amp;lt;", "&lt;"),
        ("<mailto:a@b.example|a@b.example>", "a@b.example"),
        ("<http://a.example|a.example>", "http://a.example"),
        ("<!channel> <!here|here> <!subteam^S1>", "@channel @here @S1"),
        ("<@U1> <#C1|>", "@U1 #C1"),
        ("a\0b\ud800c", "abc"),
        ("```\n  x = 1\n```", "```\n  x = 1\n```"),
    ],
)
def test_slacks_marks_as_plain_text(written: str, meant: str) -> None:
    assert said(written) == meant


def happening(body: Mapping[str, Any]) -> object:
    return event_of(body, BOT)


PARSERS: list[Callable[[Mapping[str, Any]], object]] = [
    happening,
    command_of,
    shortcut_of,
    pressed_of,
    submitted_of,
]
GARBAGE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.proves("SLACK-204")
@given(st.sampled_from(NAMES), st.data())
def test_nothing_of_another_shape_raises(name: str, data: st.DataObject) -> None:
    body = payload(name)
    for place, key in places(body):
        if data.draw(st.integers(0, 3)) == 0:
            place[key] = data.draw(GARBAGE)
            break
    for parser in PARSERS:
        parser(body)


def places(part: Any) -> list[tuple[Any, Any]]:
    """Every place in it where something stands, the outer ones first."""
    if isinstance(part, dict):
        here: list[tuple[Any, Any]] = list(cast(dict[str, Any], part).items())
    elif isinstance(part, list):
        here = list(enumerate(cast(list[Any], part)))
    else:
        return []
    whole = cast(Any, part)
    return [(whole, key) for key, _ in here] + [place for _, value in here for place in places(value)]


@pytest.mark.proves("SLACK-204")
@pytest.mark.parametrize("name", NAMES)
def test_nothing_that_stands_where_it_should_not_raises(name: str) -> None:
    garbage: list[object] = [None, 7, "x", [], {"id": 7}]
    for at in range(len(places(payload(name)))):
        body = payload(name)
        place, key = places(body)[at]
        place[key] = garbage[at % len(garbage)]
        for parser in PARSERS:
            parser(body)
