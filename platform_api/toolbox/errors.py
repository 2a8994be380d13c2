"""Errors of calling tools."""

from kit.errors import Conflict, Invalid, NotFound, SwitchboardError, Unavailable, UpstreamFailed


class NoSuchTool(NotFound):
    code = "no_such_tool"
    title = "There is no tool of this name that you may use"
    default_hint = "GET /api/v1/tools lists the tools that you may use."


class ToolsUnavailable(Unavailable):
    code = "tools_unavailable"
    title = "The tools are not available at the moment"


class AnswerLost(ToolsUnavailable):
    code = "tool_answer_lost"
    title = "The connection broke before the tool's answer came, so it may have done its work or not"
    default_hint = "Look whether it took effect before you call it again."


class GatewayFailed(UpstreamFailed):
    code = "tool_gateway_failed"
    title = "The tool gateway gave no usable answer"


class QuestionExpired(SwitchboardError):
    status = 410
    code = "question_expired"
    title = "The tool no longer waits for this answer"
    default_hint = "Ask for it again: the tool will ask again."


class ToolServerTaken(Conflict):
    code = "tool_server_taken"
    title = "There is already a tool server of this name"
    default_hint = "Choose another name; GET /api/v1/mcp-servers lists those there are."


class TooManyToolServers(Conflict):
    code = "too_many_tool_servers"
    title = "Your organisation has as many tool servers as it may"
    default_hint = "Delete one that nobody uses."


class BadToolServer(Invalid):
    code = "bad_tool_server"
    title = "A tool server cannot be registered like this"


class BadToolPolicy(Invalid):
    code = "bad_tool_policy"
    title = "This policy cannot be set"
    default_hint = "Nothing was changed. Correct what is named and send it again."


class BadDefinition(Invalid):
    code = "bad_tool_definition"
    title = "This definition cannot be approved"
    default_hint = "Nothing was changed. The server has to list it differently."


class FindingsNotAccepted(Invalid):
    code = "findings_not_accepted"
    title = "These definitions hold something that an admin has to read"
    default_hint = "Read the findings. Approve with 'accept_findings' and your reason, or reject."


class OfTheRelease(Conflict):
    code = "of_the_release"
    title = "This is part of the release"
    default_hint = "Set the policy of its tools for your organisation: PATCH /api/v1/admin/tools/{id}."


class ChangedMeanwhile(Conflict):
    code = "changed_meanwhile"
    title = "Somebody has changed it since you read it"
    default_hint = "Nothing was changed. Read it again, and send your change with the new version."


class NothingToApprove(Conflict):
    code = "nothing_to_approve"
    title = "There is no definition that waits for approval"
    default_hint = "GET /api/v1/mcp-servers/{id}/definitions looks what the server lists now."


class NotApprovedYet(Conflict):
    code = "not_approved_yet"
    title = "This tool is not approved yet"
    default_hint = "Approve it first; a policy can be set in the same request."


class StillQuarantined(Conflict):
    code = "still_quarantined"
    title = "This tool stays quarantined"
