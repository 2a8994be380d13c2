"""Errors of agents."""

from kit.errors import NotFound, UpstreamFailed


class UnknownAgent(NotFound):
    code = "unknown_agent"
    title = "There is no such agent"
    default_hint = "Leave out `agent` to use the default one."


class AgentFailed(UpstreamFailed):
    code = "agent_failed"
    title = "The assistant could not finish this answer"
