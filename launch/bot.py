"""`switchboard bot CHANNEL`: one channel. The terminal is a channel like the others."""

import json
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
import uvicorn
from switchboard_sdk import Switchboard

from bot.slack.settings import SlackSettings
from bot.teams.settings import TeamsSettings
from launch import separate
from launch.cli.chat import talk
from launch.cli.connect import DEFAULT_URL, Access, Person, Token, Url, Work, asks, connected, finish

Http = Annotated[
    int, typer.Option("--http", min=0, max=65535, help="Take HTTP on this port; 0: Socket Mode.")
]
TeamsHttp = Annotated[
    int, typer.Option("--http", min=1, max=65535, help="Take POST /api/messages on this port.")
]
Address = Annotated[
    str, typer.Argument(help="Where Slack reaches us (https://…); empty: by Socket Mode.", show_default=False)
]
Served = Annotated[Literal["slack", "teams"], typer.Argument(help="Which bot.")]
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

TeamsAddress = Annotated[str, typer.Argument(help="Where Teams reaches the bot (https://…).")]
PackageFile = Annotated[Path, typer.Option("--out", help="The archive to write.")]
Website = Annotated[
    str, typer.Option(help="Where people read about the app; empty: at ADDRESS.", show_default=False)
]


def command(app: typer.Typer) -> None:
    bots = typer.Typer(help="Run one channel: console, slack, teams.", no_args_is_help=True)
    app.add_typer(bots, name="bot")

    @bots.command("console", help="Talk in the terminal.")
    def console(url: Url = DEFAULT_URL, token: Token = "", person: Person = "maya") -> None:
        finish(talk(Access(url, token, person)))

    @bots.command("key", help="For admins: make the key with which a bot asks. It is shown once.")
    @asks("ada")
    def key(access: Access, channel: Served) -> Work:
        return _made_key(channel, access)

    slack_commands = typer.Typer(help="Serve Slack.", invoke_without_command=True)
    bots.add_typer(slack_commands, name="slack")

    @slack_commands.callback()
    def slack(context: typer.Context, http: Http = 0, host: separate.Host = "127.0.0.1") -> None:
        if context.invoked_subcommand is None:
            separate.begin("bot-slack", serve_slack(http, host))

    @slack_commands.command("manifest", help="Print the app's manifest, to be pasted at api.slack.com/apps.")
    def manifest(address: Address = "") -> None:
        # lazy: only this verb needs Slack.
        from bot.slack.manifest import manifest as made

        print(json.dumps(made(address), indent=2, ensure_ascii=False))

    teams_commands = typer.Typer(help="Serve Teams.", invoke_without_command=True)
    bots.add_typer(teams_commands, name="teams")

    @teams_commands.callback()
    def teams(context: typer.Context, http: TeamsHttp = 3978, host: separate.Host = "127.0.0.1") -> None:
        if context.invoked_subcommand is None:
            separate.begin("bot-teams", serve_teams(http, host))

    @teams_commands.command(
        "manifest", help="Write the app package, to be uploaded in the Teams admin centre."
    )
    def package(
        address: TeamsAddress, out: PackageFile = Path("switchboard-teams.zip"), website: Website = ""
    ) -> None:
        write_package(address, out, website)


async def _made_key(channel: Literal["slack", "teams"], access: Access) -> int:
    """The key alone on stdout, so that a script can take it."""
    async with connected(access) as switchboard:
        made = await switchboard.links.create_bot(channel)
    name = f"SWITCHBOARD_{channel.upper()}__BOT_KEY"
    print(f"Set it as {name}; it is not shown again. It asks for this channel only.", file=sys.stderr)
    print(made.key)
    return 0


def write_package(address: str, out: Path, website: str) -> None:
    """Exit status 2, with a sentence, where the settings do not make one."""
    # lazy: only this verb needs Teams.
    from bot.teams.manifest import manifest, package

    settings = TeamsSettings()
    try:
        made = manifest(
            settings.app_id,
            address,
            platform_url=settings.platform_url,
            sso_resource=settings.sso_resource,
            website=website,
        )
    except ValueError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None
    out.write_bytes(package(made))
    print(f"{out}: upload it in the Teams admin centre, Teams apps, Manage apps, Upload new app.")


async def serve_slack(port: int, host: str) -> None:
    """Until a signal. Raises separate.Missing."""
    settings = SlackSettings()
    key = separate.needed(
        settings.bot_key.get_secret_value(),
        "SLACK__BOT_KEY",
        "an admin makes one: switchboard bot key slack",
    )
    _checked(settings, port)
    # lazy: Bolt takes most of a second to import, and only this process needs it.
    from bot.slack.app import build

    async with Switchboard(settings.platform_url, key) as switchboard:
        bot = build(settings, switchboard)
        if not port:
            asked = separate.asked_to_stop()
            async with bot.running():
                separate.settle_memory()
                await asked.wait()
            return
        # lazy: as above.
        from bot.slack.serving import web

        async with bot.running():
            separate.settle_memory()
            await uvicorn.Server(separate.http_config(web(bot), finish_s=10, host=host, port=port)).serve()


def _checked(settings: SlackSettings, port: int) -> None:
    """Raises separate.Missing."""
    if port:
        secret = settings.signing_secret.get_secret_value()
        separate.needed(
            secret, "SLACK__SIGNING_SECRET", "Slack signs its requests with it (Basic Information)"
        )
    else:
        token = settings.app_token.get_secret_value()
        separate.needed(token, "SLACK__APP_TOKEN", "`xapp-…` for Socket Mode; or take HTTP: --http PORT")
    if not settings.bot_token.get_secret_value():
        why = "of the one workspace (`xoxb-…`); or set …SLACK__CLIENT_ID and …WORKSPACES for several"
        separate.needed(settings.client_id, "SLACK__BOT_TOKEN", why)


async def serve_teams(port: int, host: str) -> None:
    """Until a signal. Raises separate.Missing, separate.Refused."""
    settings = TeamsSettings()
    key = separate.needed(
        settings.bot_key.get_secret_value(),
        "TEAMS__BOT_KEY",
        "an admin makes one: switchboard bot key teams",
    )
    _checked_teams(settings, host)
    # lazy: botbuilder and MSAL take more than a second to import, and only this process needs them.
    from bot.teams.app import build
    from bot.teams.serving import web

    async with Switchboard(settings.platform_url, key) as switchboard:
        bot = build(settings, switchboard)
        async with bot.running():
            separate.settle_memory()
            app = web(bot, signed=not settings.playground)
            await uvicorn.Server(separate.http_config(app, finish_s=10, host=host, port=port)).serve()


def _checked_teams(settings: TeamsSettings, host: str) -> None:
    """Raises separate.Missing, separate.Refused."""
    if settings.playground:
        if settings.app_id:
            raise separate.Refused(
                "SWITCHBOARD_TEAMS__PLAYGROUND takes messages that nobody has signed: unset it, or unset "
                "SWITCHBOARD_TEAMS__APP_ID to try the bot without Teams."
            )
        if host not in _LOOPBACK:
            raise separate.Refused(
                f"SWITCHBOARD_TEAMS__PLAYGROUND takes messages that nobody has signed, so not on {host}: "
                "serve on 127.0.0.1 (--host), or unset it."
            )
        return
    separate.needed(settings.app_id, "TEAMS__APP_ID", "the application (client) id of the bot in Entra")
    separate.needed(
        settings.password.get_secret_value() or settings.certificate.get_secret_value(),
        "TEAMS__PASSWORD",
        "the application's client secret; or SWITCHBOARD_TEAMS__CERTIFICATE with its thumbprint",
    )
    if not settings.served:
        separate.needed("", "TEAMS__TENANT", "the tenant whose people the bot answers (or …TEAMS__TENANTS)")
