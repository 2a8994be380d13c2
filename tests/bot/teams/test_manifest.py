"""The app package for Teams asks for what the code uses, no more and no less."""

import io
import json
import struct
import subprocess
import zipfile
from typing import Any

import pytest

from bot.teams import extension, manifest
from bot.teams.opening import HELP
from tests.teams.tools import node, teams_tools

APP = "7f0a5c1e-0000-4000-8000-000000000001"
RESOURCE = f"api://bot.example.com/botid-{APP}"


def made(**over: Any) -> dict[str, Any]:
    return manifest.manifest(APP, "https://bot.example.com/", **over)


@pytest.mark.proves("TEAMS-213")
def test_it_names_the_commands_scopes_and_domains_that_the_code_has() -> None:
    given = made(platform_url="https://sb.example.com")
    (bot,), (search,) = given["bots"], given["composeExtensions"]
    assert bot["botId"] == search["botId"] == given["id"] == APP
    assert bot["scopes"] == ["personal", "team", "groupChat"]
    assert bot["supportsFiles"]
    commands = {one["id"]: one for one in search["commands"]}
    assert {name: one["type"] for name, one in commands.items()} == {
        extension.SEARCH: "query",
        extension.ASK_ABOUT: "action",
    }
    assert [one["name"] for one in commands[extension.SEARCH]["parameters"]] == ["query"]
    assert commands[extension.ASK_ABOUT]["fetchTask"]
    assert "help" in {one["title"] for one in bot["commandLists"][0]["commands"]} & HELP
    assert given["validDomains"] == ["bot.example.com", "sb.example.com"]
    assert set(given["permissions"]) == set(manifest.PERMISSIONS)


@pytest.mark.proves("TEAMS-213")
def test_single_sign_on_is_named_only_where_it_is_set() -> None:
    assert "webApplicationInfo" not in made()
    given = made(sso_resource=RESOURCE)
    assert given["webApplicationInfo"] == {"id": APP, "resource": RESOURCE}
    assert "token.botframework.com" in given["validDomains"]


@pytest.mark.proves("TEAMS-213")
def test_texts_keep_to_the_lengths_of_the_schema() -> None:
    given = made()
    assert len(given["name"]["short"]) <= 30
    assert len(given["name"]["full"]) <= 100
    assert len(given["description"]["short"]) <= 80
    assert len(given["description"]["full"]) <= 4000
    for one in given["bots"][0]["commandLists"][0]["commands"]:
        assert len(one["title"]) <= 32
        assert len(one["description"]) <= 128
    for command in given["composeExtensions"][0]["commands"]:
        assert len(command["title"]) <= 32
        assert len(command["description"]) <= 128


@pytest.mark.proves("TEAMS-213")
@pytest.mark.parametrize(
    ("app_id", "address", "resource"),
    [
        ("", "https://bot.example.com", ""),
        (APP, "http://bot.example.com", ""),
        (APP, "bot.example.com", ""),
        (APP, "https://bot.example.com", "api://bot.example.com/botid-another"),
    ],
)
def test_what_teams_would_refuse_is_refused_here(app_id: str, address: str, resource: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        manifest.manifest(app_id, address, sso_resource=resource)


@pytest.mark.proves("TEAMS-213")
def test_the_package_holds_the_manifest_and_its_icons() -> None:
    packed = manifest.package(made())
    assert packed == manifest.package(made())
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    given = json.loads(files["manifest.json"])
    assert set(files) == {"manifest.json", given["icons"]["color"], given["icons"]["outline"]}
    assert _size(files[given["icons"]["color"]]) == (192, 192)
    assert _size(files[given["icons"]["outline"]]) == (32, 32)


def _size(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", png[16:24])


CHECK = """
const { readFileSync } = require("node:fs");
const { Convert } = require(process.argv[1]);
Convert.toTeamsManifestV1D24(readFileSync(0, "utf8"));
"""


@pytest.mark.full
@pytest.mark.proves("TEAMS-213")
def test_the_published_shape_of_schema_1_24_takes_it() -> None:
    """As Microsoft's own package of manifest types reads it: what is of another type is refused."""
    types = teams_tools() / "node_modules/@microsoft/app-manifest/build/generated-types/teams"

    def taken(given: dict[str, Any]) -> bool:
        done = subprocess.run(
            [node(), "-e", CHECK, str(types / "TeamsManifestV1D24.js")],
            input=json.dumps(given).encode(),
            capture_output=True,
            timeout=50,
            check=False,
        )
        return done.returncode == 0

    assert taken(made(sso_resource=RESOURCE))
    assert not taken({**made(), "bots": [{"botId": APP, "scopes": ["everywhere"]}]})
    assert not taken({**made(), "validDomains": "bot.example.com"})
