"""Errors of calling tools."""

from kit.errors import NotFound, SwitchboardError, Unavailable, UpstreamFailed


class NoSuchTool(NotFound):
    code = "no_such_tool"
    title = "There is no tool of this name that you may use"
    default_hint = "GET /api/v1/tools lists the tools that you may use."


class ToolsUnavailable(Unavailable):
    code = "tools_unavailable"
    title = "The tools are not available at the moment"


class GatewayFailed(UpstreamFailed):
    code = "tool_gateway_failed"
    title = "The tool gateway gave no usable answer"


class QuestionExpired(SwitchboardError):
    status = 410
    code = "question_expired"
    title = "The tool no longer waits for this answer"
    default_hint = "Ask for it again: the tool will ask again."
