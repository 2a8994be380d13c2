"""How tools are called on /mcp: the one rule, by which the gateway names them and the platform shows them.

Names are global within what one organisation sees. Where two servers have a tool of one name, the one
approved with the release keeps it, else everyone's before an organisation's own, else the server whose name
sorts first; the other's is `<server>.<tool>`. A new server so never takes a name that was in use by ours;
and `<server>.<tool>` is nobody else's, so no server can pass for another by how it calls a tool.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Named(NamedTuple):
    """A tool before it has its name. released: approved with the release. everyones: of no organisation."""

    server: str
    own_name: str
    released: bool
    everyones: bool


def names_on_mcp(tools: Iterable[Named]) -> Mapping[Named, str]:
    """Of all tools that one organisation sees, each once; a tool whose two names are both taken has none."""
    offers = sorted(tools, key=lambda tool: (not tool.released, not tool.everyones, tool.server))
    prefixed = {f"{tool.server}.{tool.own_name}": tool.server for tool in offers}
    taken: dict[str, Named] = {}
    for tool in offers:
        anothers = not tool.released and prefixed.get(tool.own_name, tool.server) != tool.server
        free = tool.own_name not in taken and not anothers
        taken.setdefault(tool.own_name if free else f"{tool.server}.{tool.own_name}", tool)
    return {tool: name for name, tool in taken.items()}
