"""Where people see a file of a repository in their browser."""

from urllib.parse import quote, urlsplit

_KNOWN = {
    "github.com": "/blob/{branch}/{path}",
    "gitlab.com": "/-/blob/{branch}/{path}",
    "bitbucket.org": "/src/{branch}/{path}",
    "codeberg.org": "/src/branch/{branch}/{path}",
}
FIELDS = ("{branch}", "{commit}", "{path}")


def guessed_template(repository: str) -> str:
    """For the well-known hosts; "" for others."""
    host = (urlsplit(repository).hostname or "").lower()
    view = _KNOWN.get(host)
    return repository.rstrip("/").removesuffix(".git") + view if view else ""


def web_address(template: str, *, branch: str, commit: str, path: str) -> str | None:
    """None without a template. Only its three fields are replaced."""
    if not template:
        return None
    values = {"{branch}": branch, "{commit}": commit, "{path}": path}
    for name, value in values.items():
        template = template.replace(name, quote(value, safe="/-._~"))
    return template
