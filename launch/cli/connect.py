"""Which platform, and as whom: the options that all verbs share, and how failures leave the process.

Exit codes: 0 done, 1 it did not work (the problem is on stderr), 2 wrong usage,
3 the platform answered, but found nothing or refused, 4 a tool asks first, 130 interrupted.
"""

import asyncio
import functools
import inspect
import logging
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any

import httpx
import structlog
import typer
from switchboard_sdk import ApiError, Switchboard
from switchboard_sdk.transport import LOOPBACK

from bot.console.plain import one_line, said

DEFAULT_URL = "http://localhost:8000"
FAILED, NO_ANSWER, INTERRUPTED = 1, 3, 130
_HINTS = {
    "no_such_tool": "`switchboard mcp list` shows the tools that you may use.",
    "tool_server_taken": "Choose another name, or say --replace; `switchboard mcp servers` lists them.",
    "nothing_to_approve": "`switchboard mcp diff NAME` looks what its server lists now.",
    "no_sign_in": "An admin sets it: switchboard mcp sign-in SERVER.",
}
"""What the platform says in requests, said in commands."""
_NOT_ASKED = frozenset({"unreachable"})
"""Nobody there has the id of this request."""

Url = Annotated[str, typer.Option(envvar="SWITCHBOARD_URL", help="The platform's address.")]
Token = Annotated[
    str, typer.Option(envvar="SWITCHBOARD_TOKEN", help="An access token or API key.", show_default=False)
]
Person = Annotated[
    str,
    typer.Option(
        "--as",
        envvar="SWITCHBOARD_PERSON",
        help="Without a token, on this machine: the dev person to sign in as (maya, tom, ada).",
    ),
]


@dataclass(frozen=True, slots=True)
class Access:
    url: str
    token: str
    person: str


@asynccontextmanager
async def connected(access: Access) -> AsyncGenerator[Switchboard]:
    """A client that is signed in. Raises ApiError."""
    async with Switchboard(access.url, access.token) as switchboard:
        if not access.token and httpx.URL(switchboard.base_url).host in LOOPBACK:
            await switchboard.sign_in_dev(access.person)
        yield switchboard


Work = Coroutine[None, None, int]


def asks(person: str) -> Callable[[Callable[..., Work]], Callable[..., None]]:
    """A verb that says what to do with `access` becomes one that a terminal can run: it takes --url, --token
    and --as beside its own options, and ends the process as `finish` does.

    person: as whom it asks where nobody is named.
    """

    def told(verb: Callable[..., Work]) -> Callable[..., None]:
        @functools.wraps(verb)
        def run(url: str, token: str, person: str, **own: Any) -> None:
            finish(verb(access=Access(url, token, person), **own))

        signature = _with_access(inspect.signature(verb), person)
        # read by typer
        run.__signature__ = signature  # pyright: ignore[reportAttributeAccessIssue]
        run.__annotations__ = {one.name: one.annotation for one in signature.parameters.values()}
        return run

    return told


def _with_access(own: inspect.Signature, person: str) -> inspect.Signature:
    defaults: dict[str, tuple[Any, str]] = {
        "url": (Url, DEFAULT_URL),
        "token": (Token, ""),
        "person": (Person, person),
    }
    shared = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for name, (kind, default) in defaults.items()
    ]
    kept = [one for one in own.parameters.values() if one.name != "access"]
    return own.replace(parameters=[*kept, *shared], return_annotation=None)


def finish(work: Work) -> None:
    """Runs a verb to its exit code; a problem becomes two lines on stderr."""
    # A person reads the sentence of a problem; only what we did not foresee is logged beside it.
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    try:
        code = asyncio.run(work)
    except ApiError as error:
        complain(error)
        code = FAILED
    except KeyboardInterrupt:
        code = INTERRUPTED
    raise typer.Exit(code)


def complain(error: ApiError) -> None:
    problem = error.problem
    print(said(problem.detail, _HINTS.get(problem.code, problem.hint)), file=sys.stderr)
    if problem.request_id and problem.code not in _NOT_ASKED:
        print(f"Request id: {one_line(problem.request_id)}", file=sys.stderr)
