"""The few pages that a browser sees while an account is connected: plain, without script, of our own words.

Names come from people and admins and are escaped. A page can be posted from itself only: a form carries what
its cookie says, so nobody can send a browser through with somebody else's ticket unseen.
"""

import hashlib
import hmac
import secrets
from html import escape
from typing import Annotated, Any
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from pydantic import SecretStr

from kit.errors import NotFound, SwitchboardError
from platform_api.edge import provided
from platform_api.toolbox.connections.connecting import LASTS_S, Answer, Connecting
from platform_api.toolbox.connections.errors import AttemptOver
from platform_api.toolbox.connections.sign_ins import Addresses

router = APIRouter(prefix="/api/v1/connections", include_in_schema=False)
_COOKIE = "sb_connect"
_LONGEST = 8000
_PATH = "/api/v1/connections"
_STYLE = "body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:4rem auto;padding:0 1rem}"
_Connecting = Annotated[Connecting, Depends(provided(Connecting))]
_Addresses = Annotated[Addresses, Depends(provided(Addresses))]


@router.get("/begin/{ticket}")
async def begin_page(ticket: UUID, connecting: _Connecting, addresses: _Addresses) -> Response:
    """Says what will be connected to whom, before anything is."""
    try:
        page = await connecting.page(ticket)
    except SwitchboardError as error:
        return _sorry(error)
    browser = secrets.token_urlsafe(32)
    secret = (
        '<p><label>Key: <input type="password" name="secret" required autocomplete="off"></label></p>'
        if page.wants_secret
        else ""
    )
    body = (
        f"<p>This connects <strong>{escape(page.server)}</strong> to the Switchboard account of "
        f"<strong>{escape(page.person)}</strong> ({escape(page.email)}).</p>"
        "<p>Is that not you, or did somebody send you here? Then close this window.</p>"
        f'<form method="post"><input type="hidden" name="seen" value="{_seen(browser)}">{secret}'
        "<button>Connect</button></form>"
    )
    answer = _page("Connect an account", body, form=page.leads_to)
    answer.set_cookie(
        _COOKIE,
        browser,
        max_age=LASTS_S,
        path=_PATH,
        secure=addresses.is_https,
        httponly=True,
        # Lax: it has to come along when the authorization server sends the browser back
        samesite="lax",
    )
    return answer


@router.post("/begin/{ticket}")
async def begin(ticket: UUID, request: Request, connecting: _Connecting) -> Response:
    """On to the authorization server; or, with a key, connected."""
    try:
        form = await request.form()
        browser = request.cookies.get(_COOKIE, "")
        from_here = request.headers.get("sec-fetch-site", "same-origin") == "same-origin"
        if not (browser and from_here and hmac.compare_digest(str(form.get("seen", "")), _seen(browser))):
            raise AttemptOver
        given = str(form.get("secret", ""))
        if given:
            return _connected(await connecting.give(ticket, SecretStr(given)))
        return RedirectResponse(await connecting.begin(ticket, browser), 303)
    except SwitchboardError as error:
        return _sorry(error)


@router.get("/callback/{mark}")
async def callback(
    mark: Annotated[str, Path(max_length=64)], request: Request, connecting: _Connecting
) -> Response:
    """Where the authorization server sends the browser back to."""
    try:
        server = await connecting.complete(_answer(mark, request))
    except SwitchboardError as refusal:
        return _sorry(refusal)
    answer = _connected(server)
    answer.delete_cookie(_COOKIE, path=_PATH)
    return answer


@router.get("/client/{document}")
async def client_document(
    document: Annotated[str, Path(pattern=r"^[0-9a-f]{16}\.json$")], addresses: _Addresses
) -> Response:
    """Our client metadata for the authorization server of this mark."""
    if not addresses.is_https:
        raise NotFound
    said: dict[str, Any] = addresses.client_document(document.removesuffix(".json"))
    return JSONResponse(said, headers={"cache-control": "public, max-age=3600"})


def _answer(mark: str, request: Request) -> Answer:
    """RFC 6749, 4.1.2 and RFC 9207. Raises AttemptOver for a parameter that comes twice, or at length."""
    said = request.query_params
    known = ("state", "code", "iss", "error")
    if any(len(said.getlist(name)) > 1 or len(said.get(name, "")) > _LONGEST for name in known):
        raise AttemptOver
    return Answer(
        mark=mark,
        state=said.get("state", ""),
        code=said.get("code", ""),
        issuer=said.get("iss"),
        error=said.get("error", ""),
        browser=request.cookies.get(_COOKIE, ""),
    )


def _seen(browser: str) -> str:
    return hashlib.sha256(f"seen|{browser}".encode()).hexdigest()


def _connected(server: str) -> HTMLResponse:
    return _page(
        "Connected", f"<p><strong>{escape(server)}</strong> is connected. You can close this window.</p>"
    )


def _sorry(error: SwitchboardError) -> HTMLResponse:
    body = f"<p>{escape(error.detail)}.</p><p>{escape(error.hint)}</p>".replace("..", ".")
    return _page("That did not work", body, status=error.status)


def _page(title: str, body: str, *, status: int = 200, form: str = "") -> HTMLResponse:
    nonce = secrets.token_urlsafe(16)
    to = urlsplit(form)
    # browsers hold a form's redirect to this, too
    origins = f"'self' {to.scheme}://{to.netloc}" if form else "'self'"
    text = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style nonce="{nonce}">{_STYLE}</style>'
        f"<h1>{title}</h1>{body}</html>"
    )
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; form-action {origins}; "
        "frame-ancestors 'none'; base-uri 'none'"
    )
    headers = {"content-security-policy": policy, "cache-control": "no-store"}
    return HTMLResponse(text, status, headers)
