"""The app's manifest, made of what the code uses (Slack: "App manifest reference").

`switchboard bot slack manifest` prints it; paste it at https://api.slack.com/apps, "From a manifest".
"""

from typing import Any, Final

from bot.slack.happened import ASK_ABOUT, SAVE, Verb

EVENTS: Final = ("app_home_opened", "app_mention", "app_uninstalled", "message.im", "tokens_revoked")
SCOPES: Final[dict[str, str]] = {
    "app_mentions:read": "questions that mention us in channels",
    "assistant:write": "status, title and suggested prompts",
    "channels:history": "our own message in a thread, found again after a lost answer",
    "chat:write": "answers",
    "commands": "slash commands and shortcuts",
    "files:read": "files that people send us",
    "groups:history": "as channels:history, in private channels",
    "im:history": "questions in direct messages",
    "im:write": "messages that we start",
    "users:read": "whether somebody is of this organisation",
    "users:read.email": "who somebody is to the platform, where it trusts the workspace's addresses",
}
"""Bot scopes, and what each is for."""
COMMANDS: Final[dict[Verb, tuple[str, str]]] = {
    "ask": ("Ask, and only you see the answer", "your question"),
    "book": ("Book a meeting", "what about"),
    "sources": ("The sources of the last answer", ""),
    "help": ("How I can help", ""),
}
SHORTCUTS: Final[dict[str, tuple[str, str]]] = {
    ASK_ABOUT: ("Ask about this", "Ask about a message, for you alone"),
    SAVE: ("Save to my documents", "Keep a message and its files in your own documents"),
}
_ABOUT: Final = "Answers from your organisation's documents, with their sources."
_LONG: Final = (
    "Ask in your own words, in a direct message or by mentioning the app in a channel. Answers come from your"
    " organisation's documents, and every fact carries the source that it was checked against. Send a file to"
    " keep it in your own documents. Tools act only with your consent."
)
_PATH: Final = "/slack/events"
_REDIRECT: Final = "/slack/oauth_redirect"


def manifest(url: str = "") -> dict[str, Any]:
    """`url`: where Slack reaches us over HTTPS; "": Socket Mode. Raises ValueError for another address."""
    if url and not url.startswith("https://"):
        raise ValueError("Slack sends events to https:// addresses only; leave it out for Socket Mode.")
    base = url.rstrip("/")
    return {
        "_metadata": {"major_version": 1, "minor_version": 1},
        "display_information": {
            "name": "Switchboard",
            "description": _ABOUT,
            "long_description": _LONG,
            "background_color": "#1f3a5f",
        },
        "features": _features(base),
        "oauth_config": {
            **({"redirect_urls": [f"{base}{_REDIRECT}"]} if base else {}),
            "scopes": {"bot": sorted(SCOPES)},
        },
        "settings": _settings(base),
    }


def _features(base: str) -> dict[str, Any]:
    return {
        "app_home": {
            "home_tab_enabled": True,
            "messages_tab_enabled": True,
            "messages_tab_read_only_enabled": False,
        },
        "agent_view": {"agent_description": _ABOUT},
        "bot_user": {"display_name": "Switchboard", "always_online": True},
        "shortcuts": [
            {"name": name, "type": "message", "callback_id": callback, "description": description}
            for callback, (name, description) in SHORTCUTS.items()
        ],
        "slash_commands": [
            _command(verb, description, hint, base) for verb, (description, hint) in COMMANDS.items()
        ],
    }


def _command(verb: Verb, description: str, hint: str, base: str) -> dict[str, Any]:
    made: dict[str, Any] = {"command": f"/{verb}", "description": description, "should_escape": True}
    if hint:
        made["usage_hint"] = hint
    return {**made, "url": f"{base}{_PATH}"} if base else made


def _settings(base: str) -> dict[str, Any]:
    address = {"request_url": f"{base}{_PATH}"} if base else {}
    return {
        "event_subscriptions": {**address, "bot_events": list(EVENTS)},
        "interactivity": {"is_enabled": True, **address},
        "org_deploy_enabled": True,
        "socket_mode_enabled": not base,
        "token_rotation_enabled": True,
    }
