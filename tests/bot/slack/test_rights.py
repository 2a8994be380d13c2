"""The rights that the manifest asks for are those of what the code calls, no more and no less (SPEC 13)."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import bot.slack
from bot.slack.manifest import EVENTS, SCOPES, manifest

ROOM = Path(bot.slack.__file__).parent
CALLS = frozenset({"call", "quietly", "_call"})
METHODS: dict[str, set[str]] = {
    "assistant.threads.setStatus": {"assistant:write"},
    "assistant.threads.setSuggestedPrompts": {"assistant:write"},
    "assistant.threads.setTitle": {"assistant:write"},
    "auth.revoke": set(),
    "auth.test": set(),
    "chat.appendStream": {"chat:write"},
    "chat.delete": {"chat:write"},
    "chat.postEphemeral": {"chat:write"},
    "chat.postMessage": {"chat:write"},
    "chat.startStream": {"chat:write"},
    "chat.stopStream": {"chat:write"},
    "chat.update": {"chat:write"},
    "conversations.open": {"im:write"},
    "conversations.replies": {"channels:history", "groups:history", "im:history"},
    "oauth.v2.access": set(),
    "users.info": {"users:read", "users:read.email"},
    "views.open": set(),
    "views.publish": set(),
    "views.update": set(),
}
"""What each needs (Slack: the methods' own pages). users.info gives addresses only with users:read.email."""
HEARD: dict[str, set[str]] = {
    "app_home_opened": set(),
    "app_mention": {"app_mentions:read"},
    "app_uninstalled": set(),
    "message.im": {"im:history"},
    "tokens_revoked": set(),
}
FETCHED = {"files:read"}
"""`url_private` of files."""


def called() -> Iterator[str]:
    """Names of methods that stand in a call of ours, and those that the SDK's own clients are asked for."""
    for file in ROOM.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            name = node.func.attr
            if name in CALLS | {"api_call"}:
                yield from (
                    one.value
                    for one in node.args
                    if isinstance(one, ast.Constant) and isinstance(one.value, str) and "." in one.value
                )
            elif name in {"auth_test", "auth_revoke"}:
                yield name.replace("_", ".")


@pytest.mark.proves("SLACK-404")
def test_the_manifest_asks_for_the_rights_of_what_is_called() -> None:
    assert set(called()) == set(METHODS)
    assert set(HEARD) == set(EVENTS)
    needed = {scope for scopes in (*METHODS.values(), *HEARD.values(), FETCHED) for scope in scopes}
    commands = {"commands"} if manifest()["features"]["slash_commands"] else set[str]()
    assert needed | commands == set(SCOPES)
