"""What can be set about the gateway."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from kit.settings import Settings
from tools.gateway.upstreams.commands import Command


class GatewaySettings(Settings):
    """The MCP gateway."""

    section = "gateway"

    public_url: str = Field(
        default="",
        description="Where clients reach the gateway, such as `https://tools.example.com`; empty: as asked.",
    )
    authorization_servers: tuple[str, ...] = Field(
        default=(), description="Issuers whose sign-in clients may use, published as RFC 9728 metadata."
    )
    allowed_origins: tuple[str, ...] = Field(
        default=(), description="Browser origins that may call, beside those of this machine."
    )
    body_limit: Annotated[int, Field(gt=0)] = Field(
        default=1_000_000, description="Largest request in bytes."
    )
    result_limit: Annotated[int, Field(gt=0)] = Field(
        default=4_000_000, description="Largest answer in bytes."
    )
    depth_limit: Annotated[int, Field(gt=0, le=200)] = Field(
        default=64, description="Deepest nesting in a request."
    )
    registry_poll_s: Annotated[float, Field(gt=0)] = Field(
        default=1.0,
        description="Seconds until the platform is asked for its registry again where it did not answer"
        " (then up to four times as long) or does not hold its answer back.",
    )
    registry_wait_s: Annotated[float, Field(ge=0, le=25)] = Field(
        default=25.0,
        description="How long the platform may hold back its answer until the registry changes, seconds.",
    )
    definitions_check_s: Annotated[float, Field(gt=0)] = Field(
        default=60.0,
        description="Seconds between two comparisons of a server's tools with what was approved.",
    )
    key_cache_s: Annotated[float, Field(gt=0, le=60)] = Field(
        default=60.0, description="How long the platform's word on an API key is kept, at the longest."
    )
    session_hours: Annotated[float, Field(gt=0)] = Field(
        default=24.0, description="How long a session of the older MCP revisions lives."
    )
    commands: dict[str, Command] = Field(
        default_factory=dict[str, Command],
        description="Tool servers over stdio that may run here, as JSON: name (the registry says "
        '`stdio:<name>`) to {"command": [...], "environment": [names of variables to hand on], '
        '"folder": ..., "per_principal": false}.',
    )
    commands_file: str = Field(
        default="",
        description="A file with more of them in the same form, read anew when it changes; "
        "`switchboard up` has `commands.json` in its data folder, which `switchboard mcp add` writes.",
    )
    input_wait_s: Annotated[float, Field(gt=0, le=3600)] = Field(
        default=600.0,
        description="How long a call of a server of the older MCP revisions waits for a person.",
    )
    spool_fsync_s: Annotated[float, Field(gt=0)] = Field(
        default=1.0,
        description="How often the audit spool is forced to disk; a power cut loses at most this.",
    )
    spool_ship_s: Annotated[float, Field(gt=0)] = Field(
        default=1.0, description="How often the audit spool is sent to the platform."
    )
    spool_limit_bytes: Annotated[int, Field(gt=0)] = Field(
        default=1_000_000_000,
        description="Audit records that wait for the platform; beyond it calls are refused.",
    )
    user_calls_per_min: Annotated[int, Field(gt=0)] = Field(
        default=500, description="Tool calls of one user within a minute."
    )
    approvals_per_min: Annotated[int, Field(gt=0)] = Field(
        default=60,
        description="Questions about risky calls to one user, and answers to them, within a minute.",
    )
    approvals_remembered_hours: Annotated[float, Field(gt=0, le=720)] = Field(
        default=8.0,
        description='How long "do not ask again for this tool in this session" holds, at the longest.',
    )
    server_calls_per_min: Annotated[int, Field(gt=0)] = Field(
        default=1000, description="Calls of one tool server within a minute, from everyone together."
    )
    organisation_calls_per_min: Annotated[int, Field(gt=0)] = Field(
        default=10_000, description="Tool calls of one organisation within a minute."
    )
    user_calls_per_day: Annotated[int, Field(gt=0)] = Field(
        default=50_000, description="Tool calls of one user within a day (UTC)."
    )
    user_cost_per_day: Annotated[int, Field(gt=0)] = Field(
        default=10_000,
        description="What one user's calls of tools that cost money may come to within a day:"
        " low counts 1, medium 5, high 20.",
    )
    server_calls_at_once: Annotated[int, Field(gt=0)] = Field(
        default=100, description="Calls of one tool server at the same time; as many more wait for a place."
    )
    calls_at_once: Annotated[int, Field(gt=0)] = Field(
        default=1000, description="Tool calls at the same time over all servers; more are refused."
    )
    user_calls_at_once: Annotated[int, Field(gt=0)] = Field(
        default=80, description="Tool calls of one user at the same time: fewer than a server has places."
    )
    user_streams_at_once: Annotated[int, Field(gt=0)] = Field(
        default=50, description="Streams on which one user may listen at the same time."
    )
    address_refusals_per_min: Annotated[int, Field(gt=0)] = Field(
        default=100,
        description="Requests of one address (of IPv6: one /64) within a minute without a valid credential;"
        " beyond it they get 429, and valid ones are served. Behind a proxy, set FORWARDED_ALLOW_IPS to its"
        " address: else all of them share the proxy's.",
    )
    metrics_token: SecretStr = Field(
        default=SecretStr(""),
        description="What Prometheus sends as a bearer token to read `/metrics`, which names servers and"
        " tools; empty: nobody reads them here.",
    )
    stream_kept_s: Annotated[float, Field(ge=0, le=600)] = Field(
        default=60.0,
        description="How long what was said on the stream of a call in a session is kept in Redis for a"
        " client that lost the connection, and how long its call goes on meanwhile; 0: neither.",
    )
    drain_s: Annotated[float, Field(ge=0, le=60)] = Field(
        default=1.0,
        description="How long the gateway, told to stop, says that it is not ready and serves on:"
        " until load balancers have noticed. Calls under way then get 35 s.",
    )
    upstream_client: Literal["own", "library"] = Field(
        default="own", description="The HTTP client for tool servers: ours, or the slower one of a library."
    )
