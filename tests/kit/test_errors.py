import platform_api.app
import tools.gateway.app
from kit.errors import NotFound, SwitchboardError, catalogue

EVERYTHING = (platform_api.app, tools.gateway.app)
"""Errors are known once their modules are loaded."""


def test_a_problem_says_what_happened_and_the_next_step() -> None:
    problem = NotFound("There is no such document.", hint="Check the id.").problem("01REQ")
    assert (problem.status, problem.code, problem.request_id) == (404, "not_found", "01REQ")
    assert problem.detail == "There is no such document."
    assert problem.hint == "Check the id."


def test_every_error_has_its_own_code_a_title_and_a_hint() -> None:
    ours = [error for error in catalogue() if not error.__module__.startswith("tests")]
    # One that the gateway hands on from the platform is the same error on both sides.
    assert len({error.code for error in ours}) == len({(error.code, error.title) for error in ours})
    assert len({(error.code, error.__module__) for error in ours}) == len(ours)
    assert all(error.title and error.default_hint for error in ours)
    assert SwitchboardError in ours
