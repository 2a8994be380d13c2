"""Recorded activities of Teams → what happened. The shapes are those of Microsoft's documentation."""

from typing import Any

import pytest

from bot.teams.happened import Added, Asked, Deleted, Edited, Foreign, Removed
from bot.teams.parse import event_of, said, zone_of

Json = dict[str, Any]
BOT = "28:f5d48856-5b42-41a0-8c3a-c5f944b679b0"
TENANT = "72f988bf-86f1-41af-91ab-2d7cd011db47"
PERSONAL: Json = {
    "type": "message",
    "id": "1485983408511",
    "timestamp": "2017-02-01T21:10:07.437Z",
    "localTimestamp": "2017-02-01T14:10:07.437-07:00",
    "serviceUrl": "https://smba.trafficmanager.net/amer/",
    "channelId": "msteams",
    "from": {
        "id": "29:1XJKJMvc5GBtc2JwZq0oj8tHZmzrQgFmB39ATiQWA85gQtHieVkKilBZ9XHoq9j7Zaqt7CZ-NJWi7me2kHTL3Bw",
        "name": "Megan Bowen",
        "aadObjectId": "7faf8aa6-3a5d-4c6c-8d0b-6b1a8d3b9f10",
    },
    "conversation": {
        "conversationType": "personal",
        "tenantId": TENANT,
        "id": "a:17I0kl9EkpE1O9PH5TWrzrLNwnWWcfrU7QZjKR0WSfOpzbfcAg2IaydGElSo10tVr4C7Fc6GtieTJX663WuJCc1uA",
    },
    "recipient": {"id": BOT, "name": "SampleBot"},
    "textFormat": "plain",
    "text": "How many days of leave do I get?",
    "entities": [
        {
            "type": "clientInfo",
            "locale": "en-US",
            "country": "US",
            "platform": "Windows",
            "timezone": "America/Los_Angeles",
        }
    ],
    "channelData": {"tenant": {"id": TENANT}},
    "locale": "en-US",
    "localTimezone": "America/Los_Angeles",
}
CHANNEL: Json = {
    **PERSONAL,
    "id": "1485983194839",
    "conversation": {
        "isGroup": True,
        "conversationType": "channel",
        "tenantId": TENANT,
        "id": "19:253b1f341670408fb6fe51050b6e5ceb@thread.skype;messageid=1485983194839",
    },
    "attachments": [{"contentType": "text/html", "content": "<div>…</div>"}],
    "text": "<at>SampleBot</at> how much leave does <at>Larry Brown</at> get? &lt;b&gt;",
    "entities": [
        {"type": "mention", "mentioned": {"id": BOT, "name": "SampleBot"}, "text": "<at>SampleBot</at>"},
        {
            "type": "mention",
            "mentioned": {"id": "29:08q2j2o3jc09au90eucae", "name": "Larry Brown"},
            "text": "<at>Larry Brown</at>",
        },
    ],
    "channelData": {
        "tenant": {"id": TENANT},
        "teamsChannelId": "19:253b1f341670408fb6fe51050b6e5ceb@thread.skype",
        "teamsTeamId": "19:712c61d0ef384e5fa681ba90ca943398@thread.skype",
        "channel": {"id": "19:253b1f341670408fb6fe51050b6e5ceb@thread.skype"},
        "team": {"id": "19:712c61d0ef384e5fa681ba90ca943398@thread.skype"},
    },
}
FILE: Json = {
    **PERSONAL,
    "text": "",
    "attachments": [
        {
            "contentType": "application/vnd.microsoft.teams.file.download.info",
            "contentUrl": "https://contoso.sharepoint.com/personal/x/Documents/Applications/file_example.txt",
            "name": "file_example.txt",
            "content": {
                "downloadUrl": "https://contoso-my.sharepoint.com/download.aspx?UniqueId=1150D938&tempauth=ey",
                "uniqueId": "1150D938-8870-4044-9F2C-5BBDEBA70C9D",
                "fileType": "txt",
                "etag": '"{1150D938-8870-4044-9F2C-5BBDEBA70C9D},1"',
            },
        },
        {"contentType": "text/html", "content": "<p>&nbsp;</p>"},
    ],
}


def test_a_message_in_a_1_1_chat_is_a_question() -> None:
    event = event_of(PERSONAL)
    assert isinstance(event, Asked)
    assert event.text == "How many days of leave do I get?"
    assert event.who.identity == f"teams:{TENANT}/7faf8aa6-3a5d-4c6c-8d0b-6b1a8d3b9f10"
    assert event.where.direct
    assert event.where.bot == BOT
    assert event.turn.audience == "private"
    assert event.turn.message_id == "1485983408511"
    assert zone_of(PERSONAL) == "America/Los_Angeles"


def test_a_mention_in_a_channel_is_a_question_that_everyone_reads() -> None:
    event = event_of(CHANNEL)
    assert isinstance(event, Asked)
    assert event.text == "how much leave does Larry Brown get? <b>"
    assert event.turn.audience == "everyone_here"
    assert event.where.conversation.endswith(";messageid=1485983194839")
    assert event.where.team == "19:712c61d0ef384e5fa681ba90ca943398@thread.skype"


def test_a_message_in_a_channel_that_mentions_somebody_else_is_not_for_us() -> None:
    assert event_of({**CHANNEL, "entities": CHANNEL["entities"][1:]}) is None


def test_a_file_is_taken_with_its_own_address() -> None:
    event = event_of(FILE)
    assert isinstance(event, Asked)
    (file,) = event.files
    assert file.id == "1150D938-8870-4044-9F2C-5BBDEBA70C9D"
    assert file.name == "file_example.txt"
    assert file.url.startswith("https://contoso-my.sharepoint.com/")
    assert event.text == ""


def test_a_pasted_picture_is_counted_and_not_taken() -> None:
    picture = {
        "contentType": "image/*",
        "contentUrl": "https://smba.trafficmanager.net/amer/v3/attachments/1",
    }
    event = event_of({**PERSONAL, "text": "", "attachments": [picture]})
    assert isinstance(event, Asked)
    assert (event.images, event.files) == (1, ())


def test_an_edit_and_a_delete_name_the_message() -> None:
    edited = event_of({**PERSONAL, "type": "messageUpdate", "channelData": {"eventType": "editMessage"}})
    assert isinstance(edited, Edited)
    assert edited.where.activity == "1485983408511"
    gone = event_of({**PERSONAL, "type": "messageDelete", "channelData": {"eventType": "softDeleteMessage"}})
    assert isinstance(gone, Deleted)


def test_an_installation_and_its_end() -> None:
    added = {**PERSONAL, "type": "conversationUpdate", "membersAdded": [{"id": BOT}]}
    assert isinstance(event_of(added), Added)
    assert event_of({**added, "membersAdded": [{"id": "29:somebody"}]}) is None
    assert isinstance(event_of({**PERSONAL, "type": "installationUpdate", "action": "add-upgrade"}), Added)
    assert isinstance(event_of({**PERSONAL, "type": "installationUpdate", "action": "remove"}), Removed)


@pytest.mark.parametrize(
    "sender",
    [
        {"id": "28:another-bot", "name": "Bot", "aadObjectId": "7faf8aa6-3a5d-4c6c-8d0b-6b1a8d3b9f10"},
        {"id": "29:hook", "name": "Webhook"},
        {"id": "29:x", "aadObjectId": "a/b"},
        {"id": "29:x", "aadObjectId": 7},
    ],
)
def test_who_is_no_person_of_entra_is_foreign(sender: Json) -> None:
    assert isinstance(event_of({**PERSONAL, "from": sender}), Foreign)


@pytest.mark.parametrize(
    "changes",
    [
        {"channelId": "emulator"},
        {"serviceUrl": ""},
        {"conversation": {}},
        {"conversation": {"id": "x", "conversationType": "meeting"}},
        {"type": "typing"},
        {"type": "messageReaction"},
        {"id": ""},
        {"from": {"id": BOT}},
        {"text": "", "value": {"pressed": True}},
        {"type": 7},
    ],
)
def test_what_is_nothing_for_us_is_nothing(changes: Json) -> None:
    assert event_of({**PERSONAL, **changes}) is None


@pytest.mark.parametrize("name", list(PERSONAL))
@pytest.mark.parametrize("junk", [None, 7, "x", [], {}, [7], {"id": 7}])
def test_a_payload_of_another_shape_raises_nothing(name: str, junk: object) -> None:
    event_of({**CHANNEL, name: junk})
    zone_of({**CHANNEL, name: junk})


def test_what_cannot_be_stored_is_left_out() -> None:
    assert said({**PERSONAL, "text": "a\0b\ud800c&nbsp;d\r\ne"}) == "abc d\ne"
