"""What we say beside answers, App Home, and the manifest."""

import json
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.telling import booking_told, job_told, tool_told, upload
from bot.slack import render
from bot.slack.happened import Message, Verb
from bot.slack.home import Home, home
from bot.slack.manifest import COMMANDS, EVENTS, SCOPES, SHORTCUTS, manifest
from bot.slack.parse import COMMANDS as PARSED
from bot.slack.parse import SHORTCUTS as TAKEN
from bot.slack.parse import event_of
from kit.wire.account import LimitLeft, Me
from kit.wire.channels import LinkState
from kit.wire.library import Document, Job
from tests.bot.slack.recorded import BOT, NAMES, payload
from tests.bot.slack.things import ID, NOW, asked, cited, form, refused_by_slack, refused_view, words

LINKED = LinkState(identity="slack:T/U", linked=True, user_name="Maya")
MAYA = Me(
    id=ID, organisation_id=ID, name="Maya Lee", email="m@a.example", groups=[], roles=[], permissions=[]
)


def document(**over: Any) -> Document:
    given: dict[str, Any] = {
        "id": ID, "knowledge_base_id": ID, "path": "roster.pdf", "title": "Roster", "status": "ready",
        "version": 1,
        "content_type": "application/pdf", "size": 1, "source": "upload", "source_url": "",
        "service_scope": "",
        "doc_type": "", "privacy_level": "", "chunks": 1, "edition": 1, "created_at": NOW, "updated_at": NOW,
    }  # fmt: skip
    return Document.model_validate({**given, **over})


def job(status: str, **over: Any) -> Job:
    given = {"id": ID, "kind": "ingest", "progress": {"done": 3, "total": 10, "stage": "embedding"}}
    return Job.model_validate({**given, "status": status, "created_at": NOW, **over})


def told_of(payload: dict[str, Any]) -> Message:
    return render.told(job_told(payload, details="My Home tab"))


@pytest.mark.parametrize(
    ("told", "word"),
    [
        (render.told(upload("Roster.pdf", None)), "will read it now"),
        (render.told(upload("Roster.pdf", job("running"))), "▓▓▓░░░░░░░ 3 of 10 embedding"),
        (render.told(upload("Roster.pdf", job("succeeded"))), "only you can see it"),
        (render.told(upload("Roster.pdf", None, "It is larger than 25 MB.")), "It is larger than 25 MB."),
        (
            told_of({"status": "succeeded", "good": 3, "total": 3}),
            "3 of 3 documents are ready",
        ),
        (
            told_of({"status": "failed", "good": 1, "total": 3}),
            "1 of 3 documents are ready",
        ),
        (
            told_of({"status": "failed", "good": 0, "total": 1}),
            "could not be read",
        ),
        (told_of({}), "could not be read"),
    ],
)
def test_a_file_is_followed_to_its_end(told: Any, word: str) -> None:
    assert word in words(told.blocks)
    assert refused_by_slack(told) == []


def test_files_that_failed_say_why() -> None:
    detail = "It is encrypted; send it without a password."
    errors = [{"document": "a.pdf", "code": "encrypted", "detail": detail}]
    told = render.told(upload("all.zip", job("succeeded", errors=errors)))
    assert "9 of 10 files in" in words(told.blocks)
    assert detail in words(told.blocks)


def test_linking_shows_the_code_and_what_to_do_with_it() -> None:
    card = render.link_card(
        LinkState(identity="slack:T/U", linked=False, code="K7QM-4XWP", expires_at=NOW), "https://sb.example"
    )
    assert "switchboard link K7QM-4XWP" in words(card.blocks)
    assert "K7QM" not in card.text
    assert "linked to Maya" in words(render.link_card(LINKED, "https://sb.example").blocks)


def test_prompts_fit_what_the_person_can_see() -> None:
    found = render.prompts(["Leave", "Leave", "", "Travel", "Rosters", "More"])
    assert [one["title"] for one in found] == [
        "About “Leave”",
        "About “Travel”",
        "About “Rosters”",
        "What can you do?",
    ]
    assert len(render.prompts([])) == 2


def test_home_shows_what_is_mine_and_what_waits() -> None:
    waits = asked("form", form({"n": {"type": "string"}}), title="Book a meeting")
    view = home(
        Home(MAYA, LINKED, [document(), document(status="failed", error="It is encrypted.")], [], [waits], "")
    )
    shown = words(view)
    for text in ("Maya Lee", "Book a meeting", "Roster", "It is encrypted."):
        assert text in shown
    presses = [
        block["accessory"]["action_id"].partition(":")[0] for block in view["blocks"] if "accessory" in block
    ]
    assert presses == ["open_form", "remove_document", "remove_document"]
    assert refused_view(view) == []


def test_home_without_anything_says_how_to_begin() -> None:
    unlinked = LinkState(identity="slack:T/U", linked=False)
    assert "not linked yet" in words(home(Home(None, unlinked, [], [], [], "")))
    empty = words(home(Home(MAYA, LINKED, [], [], [], "")))
    assert "Nothing waits for you." in empty
    assert "You have none yet." in empty
    assert "does not answer at the moment" in words(home(Home(None, LINKED, [], [], [], "")))


SAID = st.text(max_size=3_000) | st.sampled_from(["<!channel> *x*", "&" * 2_000, "@here"])


@pytest.mark.proves("SLACK-205", "SLACK-206")
@settings(max_examples=30)
@given(SAID, st.integers(0, 60))
def test_whatever_is_told_is_what_slack_takes(text: str, many: int) -> None:
    documents = [document(title=text, error=text, source_url=f"https://a.example/{n}") for n in range(many)]
    errors = [{"document": text, "code": "x", "detail": text} for _ in range(many)]
    failed = job("failed", errors=errors)
    for told in (
        render.notice(text),
        render.told(upload(text, failed)),
        render.told(upload(text, None, text)),
        render.sources(documents, []),
        render.sources([], [cited(n, title=text) for n in range(1, many + 2)]),
        render.welcome(),
        render.help_(),
        render.refused(bot=True),
        render.refused(bot=False),
        render.link_card(LinkState(identity="slack:T/U", linked=False, code=text[:40]), "https://sb.example"),
    ):
        assert refused_by_slack(told) == []
        assert told.blocks
    waits = [asked("form", form({"n": {"type": "string"}}), id=cited().doc_id, title=text)] * min(many, 1)
    assert refused_view(home(Home(MAYA, LINKED, documents, [failed] * many, waits, ""))) == []


def test_home_shows_what_may_still_be_asked() -> None:
    limits = [LimitLeft(kind="requests", most=500, left=499), LimitLeft(kind="turns", most=60, left=7)]
    me = MAYA.model_copy(update={"limits": limits})
    shown = words([home(Home(me, LINKED, [], [], [], ""))])
    assert "7 of 60 questions" in shown
    assert "499" not in shown


def test_a_tool_that_is_held_back_and_a_finished_booking_are_told_as_text() -> None:
    tool = render.told(tool_told({"tool": "files.<!channel>", "server": "<@U1>files", "tool_id": "1"}))
    assert "not what was approved" in words(tool.blocks)
    assert "switchboard mcp diff" in words(tool.blocks)
    booking = render.told(booking_told({"text": "Your meeting is on Tuesday.\nDana *knows* <!here>."}))
    assert "Your meeting is on Tuesday." in words(booking.blocks)
    for message in (tool, booking, render.told(booking_told({})), render.told(tool_told({}))):
        assert refused_by_slack(message) == []
        assert "<!" not in words(message.blocks).replace("\u2060", "").replace("&lt;!", "")
        assert "<@" not in words(message.blocks)


@pytest.mark.proves("SLACK-212")
def test_the_manifest_has_the_commands_and_shortcuts_that_are_understood() -> None:
    features = manifest()["features"]
    assert (
        {one["command"].removeprefix("/") for one in features["slash_commands"]}
        == set(PARSED)
        == set(COMMANDS)
    )
    assert set(get_args(Verb)) == set(PARSED)
    assert {one["callback_id"] for one in features["shortcuts"]} == set(TAKEN) == set(SHORTCUTS)


@pytest.mark.proves("SLACK-404")
def test_the_manifest_is_one_that_slack_takes() -> None:
    """Lengths as published in "App manifest reference"."""
    made = manifest("https://bot.example")
    about = made["display_information"]
    assert len(about["name"]) <= 35
    assert len(about["description"]) <= 140
    assert 175 <= len(about["long_description"]) <= 4_000
    for shortcut in made["features"]["shortcuts"]:
        assert len(shortcut["name"]) <= 24
        assert len(shortcut["description"]) <= 150
        assert len(shortcut["callback_id"]) <= 255
    for command in made["features"]["slash_commands"]:
        assert len(command["command"]) <= 32
        assert len(command["description"]) <= 2_000
        assert len(command.get("usage_hint", "")) <= 1_000


@pytest.mark.proves("SLACK-212")
def test_the_manifest_subscribes_to_what_is_understood() -> None:
    events = [payload(name)["event"] for name in NAMES if event_of_name(name) is not None]
    kinds = {f"message.{one['channel_type']}" if one["type"] == "message" else one["type"] for one in events}
    assert kinds == set(EVENTS) == set(manifest()["settings"]["event_subscriptions"]["bot_events"])


def event_of_name(name: str) -> Any:
    body = payload(name)
    return event_of(body, BOT) if body.get("type") == "event_callback" else None


@pytest.mark.proves("SLACK-212")
def test_an_address_replaces_socket_mode_everywhere() -> None:
    made = manifest("https://bot.example/")
    assert not made["settings"]["socket_mode_enabled"]
    text = json.dumps(made)
    assert text.count("https://bot.example/slack/events") == 2 + len(COMMANDS)
    assert "https://bot.example/slack/oauth_redirect" in text
    assert manifest()["settings"]["socket_mode_enabled"]
    assert "https://" not in json.dumps(manifest())
    with pytest.raises(ValueError, match="https"):
        manifest("http://bot.example")


def test_the_manifest_keeps_to_slacks_lengths() -> None:
    shown = manifest()["display_information"]
    assert len(shown["name"]) <= 35
    assert len(shown["description"]) <= 140
    assert 174 <= len(shown["long_description"]) <= 4_000
    assert all(len(one["description"]) <= 150 for one in manifest()["features"]["shortcuts"])
    assert manifest()["oauth_config"]["scopes"]["bot"] == sorted(SCOPES)
