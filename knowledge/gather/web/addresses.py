"""One address for one page, and which addresses belong to a site (SPEC 7).

Canonical: scheme and host in lower case (IDNA), no default port, no fragment, no credentials; "." and ".."
and doubled slashes resolved, no trailing slash but the root's; percent-encoding as RFC 3986 (6.2.2) has it;
tracking and session parameters gone, the others in order.
"""

import re
from dataclasses import dataclass
from urllib.parse import quote, urljoin, urlsplit

import httpx

from knowledge.gather.globs import Globs

LONGEST = 1000
_ROUNDS = 8
_TRACKING = re.compile(
    r"(utm_.+|mtm_.+|pk_.+|piwik_.+|hsa_.+|_hs.+|mc_[ce]id|mkt_tok|vero_.+|oly_.+|_ga|_gl|_openstat"
    r"|gclid|gclsrc|dclid|wbraid|gbraid|fbclid|msclkid|yclid|twclid|ttclid|igshid|li_fat_id|srsltid"
    r"|hsctatracking|trk|s_cid|wickedid|ref_src|ref_url)\Z",
    re.IGNORECASE,
)
_SESSION = re.compile(
    r"(phpsessid|jsessionid|aspsessionid.*|asp\.net_sessionid|cfid|cftoken|session_?id|sessid|sid_session"
    r"|zenid|oscsid|s?session|sess)\Z",
    re.IGNORECASE,
)
_SHORT_SESSION = re.compile(r"(sid|s|token)\Z", re.IGNORECASE)
_RANDOM = re.compile(r"(?=.*[0-9])[0-9a-zA-Z_-]{16,}\Z")
_IN_PATH = re.compile(r";(?:jsessionid|phpsessid|sessionid|sid)=[^/;?]*|/\([A-Z]\([^/()]*\)\)", re.IGNORECASE)
_PERCENT = re.compile(r"%([0-9a-fA-F]{2})?")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PORTS = {"http": 80, "https": 443}


def canonical(url: str, *, keep_slash: bool = False) -> str:
    """The one form of the address. Idempotent. Raises ValueError for what is no web address.

    `keep_slash` leaves a trailing slash as it is: to ask for the page as the site itself links to it.
    """
    split = urlsplit("".join(url.split()))
    scheme = split.scheme.lower()
    if scheme not in _PORTS or not split.hostname or "@" in split.netloc or "\\" in url:
        raise ValueError("not a web address")
    port = split.port
    at = "" if port in (None, _PORTS[scheme]) else f":{port}"
    path = _settled_path(split.path)
    if not keep_slash and path != "/":
        path = path.rstrip("/")
    query = _query(split.query)
    made = f"{scheme}://{_host(split.hostname)}{at}{path}{'?' + query if query else ''}"
    if len(made) > LONGEST:
        raise ValueError("longer than an address is")
    return made


def _host(host: str) -> str:
    try:
        made = httpx.URL(f"http://[{host}]" if ":" in host else f"http://{host}").raw_host.decode("ascii")
    except httpx.InvalidURL as error:
        raise ValueError("not a host") from error
    made = made.rstrip(".").lower()
    if not made:
        raise ValueError("no host")
    return f"[{made}]" if ":" in made else made


def _settled_path(path: str) -> str:
    """Taking one thing out can uncover another, so until nothing changes. Raises ValueError."""
    for _ in range(_ROUNDS):
        cleaned = _resolved(_IN_PATH.sub("", _encoded(path, "/:@!$&'()*+,;=")))
        if cleaned == path:
            return cleaned
        path = cleaned
    raise ValueError("a path that does not settle")


def _encoded(text: str, safe: str) -> str:
    """Percent-encoding in its one form: none where it is not needed, capitals where it is."""

    def one(match: re.Match[str]) -> str:
        if match[1] is None:
            return "%25"
        character = chr(int(match[1], 16))
        return character if character in _UNRESERVED else f"%{match[1].upper()}"

    return quote(_PERCENT.sub(one, text), safe=safe + "%~")


def _resolved(path: str) -> str:
    kept: list[str] = []
    parts = path.split("/")
    for part in parts:
        if part == "..":
            del kept[-1:]
        elif part not in ("", "."):
            kept.append(part)
    slash = "/" if kept and parts[-1] in ("", ".", "..") else ""
    return "/" + "/".join(kept) + slash


def _query(query: str) -> str:
    pairs = [_encoded(pair.replace("+", "%20"), "/?:@!$'()*,;=") for pair in query.split("&") if pair]
    return "&".join(sorted(pair for pair in pairs if not _is_noise(pair)))


def _is_noise(pair: str) -> bool:
    name, _, value = pair.partition("=")
    if _TRACKING.match(name) or _SESSION.match(name):
        return True
    return bool(_SHORT_SESSION.match(name) and _RANDOM.match(value))


@dataclass(frozen=True, slots=True)
class Site:
    """Everything on the host of `start` (with or without "www.") under its path."""

    start: str
    host: str
    origin: str
    prefix: str
    globs: Globs

    @classmethod
    def at(cls, start: str, globs: Globs | None = None) -> "Site":
        """Raises ValueError."""
        asked = canonical(start, keep_slash=True)
        split = urlsplit(asked)
        origin = f"{split.scheme}://{split.netloc}"
        return cls(asked, split.netloc, origin, _prefix(split.path), globs or Globs())

    def canonical(self, url: str, base: str | None = None, *, keep_slash: bool = False) -> str | None:
        """The page's one address, if it is on this site at all; `base`: the page that links to it."""
        try:
            made = canonical(urljoin(base, url.strip()) if base else url, keep_slash=keep_slash)
            split = urlsplit(made)
        except ValueError:
            return None
        if not self._same_host(split.scheme, split.netloc):
            return None
        return self.origin + made[len(split.scheme) + 3 + len(split.netloc) :]

    def holds(self, url: str) -> bool:
        """Whether a canonical address of this site is within its path and wanted."""
        path = urlsplit(url).path or "/"
        inside = path == self.prefix or path.startswith(self.prefix.rstrip("/") + "/")
        return inside and self.globs.admit(path)

    def path_of(self, url: str) -> str:
        """A canonical address as the path of a document: without its scheme."""
        return url.partition("://")[2].rstrip("/")

    def _same_host(self, scheme: str, netloc: str) -> bool:
        if _bare(netloc) != _bare(self.host):
            return False
        # http and https of one host are one site, unless it has a port that says otherwise.
        return ":" not in netloc or self.origin.startswith(f"{scheme}:")


def _bare(netloc: str) -> str:
    return netloc.removeprefix("www.")


def _prefix(path: str) -> str:
    """`/docs/` and `/docs` hold what is below them; `/docs/index.html` what is beside it."""
    if path.endswith("/"):
        return path.rstrip("/") or "/"
    folder, _, last = path.rpartition("/")
    return (folder or "/") if "." in last else path
