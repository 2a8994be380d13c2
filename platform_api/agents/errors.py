"""Errors of agents."""

from kit.errors import Conflict, NotFound, UpstreamFailed


class UnknownAgent(NotFound):
    code = "unknown_agent"
    title = "There is no such agent"
    default_hint = "Leave out `agent` to use the default one."


class AgentFailed(UpstreamFailed):
    code = "agent_failed"
    title = "The assistant could not finish this answer"


class OneQuestionAtATime(Conflict):
    code = "one_question_at_a_time"
    title = "Not done: this needs an answer of the person, who is being asked something else first"
    default_hint = "Call it again once that has been answered."


class CannotGoOn(Conflict):
    code = "cannot_go_on"
    title = "This conversation was begun by another version of the system, which cannot go on with it"
    default_hint = "Ask again; your message is kept in the session."
