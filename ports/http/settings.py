"""Where we may connect to, for addresses that people, documents and tools name."""

from ipaddress import ip_network

from pydantic import Field, field_validator

from kit.settings import Settings


class OutboundSettings(Settings):
    section = "outbound"

    allowed_hosts: list[str] = Field(
        default=[],
        description="Hosts of your own network that may be opened: `wiki.example.com`, `wiki:8090` (that port"
        " too), `*.intra.example.com`. Metadata services never are.",
    )
    allowed_networks: list[str] = Field(
        default=[],
        description="Networks of your own that may be opened, by any name: `10.20.0.0/16`.",
    )
    ports: list[int] = Field(
        default=[80, 443, 8080, 8443], description="Ports that may be opened on any host."
    )
    contact: str = Field(
        default="https://switchboard.dev/crawler",
        max_length=200,
        pattern=r"^[ -~]*$",
        description="Whom the owner of a web site can reach about our visits; stands in the User-Agent.",
    )

    @field_validator("allowed_networks")
    @classmethod
    def _are_networks(cls, given: list[str]) -> list[str]:
        for network in given:
            ip_network(network, strict=False)
        return given
