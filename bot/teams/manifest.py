"""The app package, made of what the code uses: manifest.json and two icons in one archive (Microsoft 365 app
manifest, schema 1.24).

`switchboard bot teams manifest` writes it; an admin uploads it in the Teams admin centre.
"""

import io
import json
import zipfile
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from bot.teams.extension import ASK_ABOUT, SEARCH
from bot.teams.icons import colour, outline

VERSION: Final = "1.24"
_SCHEMAS: Final = "https://developer.microsoft.com/json-schemas/teams"
APP_VERSION: Final = "1.0.0"
SCOPES: Final = ("personal", "team", "groupChat")
"""Where people ask us: 1:1, in channels, in group chats."""
COMMANDS: Final = (
    ("help", "What I answer, and from where"),
    ("I want to book a meeting", "With whom, about what and when; I ask for the rest"),
)
"""What Teams offers above the message box; each is sent as a message."""
PERMISSIONS: Final[dict[str, str]] = {
    "identity": "who somebody is, so that they see what is theirs",
    "messageTeamMembers": "messages that we start: a booking is confirmed, a job is done",
}
_SHORT: Final = "Answers from your organisation's documents, and meetings, with your consent."
_LONG: Final = (
    "Ask in your own words, in a chat with the app or by mentioning it. Answers come from your organisation's"
    " documents, and every fact carries the source that it was checked against. Send a file to keep it in"
    " your own documents. Book a meeting: free times, one press, and the invitation is on its way. Tools act"
    " only with your consent."
)


def manifest(
    app_id: str, address: str, *, platform_url: str = "", sso_resource: str = "", website: str = ""
) -> dict[str, Any]:
    """address: https, where Teams reaches the bot. platform_url: whose documents our cards open, where that
    is another host. website: where people read about it, privacy and terms included; "": at `address`.

    Raises ValueError, with the next step."""
    _checked(app_id, address, sso_resource)
    base = address.rstrip("/")
    about = website or base
    made: dict[str, Any] = {
        "$schema": f"{_SCHEMAS}/v{VERSION}/MicrosoftTeams.schema.json",
        "manifestVersion": VERSION,
        "version": APP_VERSION,
        "id": app_id,
        "developer": {
            "name": "Switchboard",
            "websiteUrl": about,
            "privacyUrl": about,
            "termsOfUseUrl": about,
        },
        "name": {"short": "Switchboard", "full": "Switchboard, the organisation's assistant"},
        "description": {"short": _SHORT, "full": _LONG},
        "icons": {"color": "color.png", "outline": "outline.png"},
        "accentColor": "#1F3A5F",
        "bots": [_bot(app_id)],
        "composeExtensions": [{"botId": app_id, "commands": _commands()}],
        "permissions": sorted(PERMISSIONS),
        "validDomains": _domains(base, platform_url, sso_resource),
    }
    if sso_resource:
        made["webApplicationInfo"] = {"id": app_id, "resource": sso_resource}
    return made


def package(made: dict[str, Any]) -> bytes:
    """The archive, the same for the same manifest."""
    files = {
        "manifest.json": json.dumps(made, indent=2, ensure_ascii=False).encode(),
        made["icons"]["color"]: colour(),
        made["icons"]["outline"]: outline(),
    }
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in files.items():
            packed.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return archive.getvalue()


def _checked(app_id: str, address: str, sso_resource: str) -> None:
    try:
        UUID(app_id)
    except ValueError as error:
        raise ValueError(
            "Set SWITCHBOARD_TEAMS__APP_ID to the application (client) id of the bot in Entra."
        ) from error
    if urlsplit(address).scheme != "https" or not urlsplit(address).hostname:
        raise ValueError("Give the https:// address where Teams reaches the bot, without a path.")
    if sso_resource and not sso_resource.endswith(f"/botid-{app_id}"):
        raise ValueError(f"SWITCHBOARD_TEAMS__SSO_RESOURCE must end with /botid-{app_id}.")


def _bot(app_id: str) -> dict[str, Any]:
    commands = [{"title": title, "description": description} for title, description in COMMANDS]
    return {
        "botId": app_id,
        "scopes": list(SCOPES),
        "supportsFiles": True,
        "isNotificationOnly": False,
        "commandLists": [{"scopes": list(SCOPES), "commands": commands}],
    }


def _commands() -> list[dict[str, Any]]:
    query = {
        "name": "query",
        "title": "Search",
        "description": "What you are looking for",
        "inputType": "text",
    }
    return [
        {
            "id": SEARCH,
            "type": "query",
            "title": "Find a document",
            "description": "Search the documents that you can see",
            "context": ["compose", "commandBox"],
            "initialRun": False,
            "parameters": [query],
        },
        {
            "id": ASK_ABOUT,
            "type": "action",
            "title": "Ask about this",
            "description": "Ask about a message; the answer comes to you alone",
            "context": ["message"],
            "fetchTask": True,
        },
    ]


def _domains(address: str, platform_url: str, sso_resource: str) -> list[str]:
    hosts = [urlsplit(url).hostname for url in (address, platform_url) if url.startswith("https://")]
    signing_in = ["token.botframework.com"] if sso_resource else []
    return list(dict.fromkeys([*filter(None, hosts), *signing_in]))
