"""What can go wrong on the way to the platform: always an `ApiError` that says the next step."""

from http import HTTPStatus

import httpx
from pydantic import ValidationError

from kit.wire.problem import Problem


class ApiError(Exception):
    """The platform refused, or nothing usable came back.

    `problem` is the platform's own (RFC 9457) or, where it could not answer, one made here with the same
    members. `retry_after` is in seconds, None where the platform named none.
    """

    def __init__(self, problem: Problem, *, retry_after: float | None = None) -> None:
        super().__init__(f"{problem.detail.rstrip('.')}. {problem.hint}".strip())
        self.problem = problem
        self.retry_after = retry_after

    @property
    def code(self) -> str:
        return self.problem.code

    @property
    def status(self) -> int:
        return self.problem.status

    @property
    def request_id(self) -> str:
        return self.problem.request_id


def from_response(response: httpx.Response, request_id: str) -> ApiError:
    """The error of a response whose body has been read and whose status is not 2xx."""
    request_id = response.headers.get("X-Request-Id", request_id)
    problem = _own_problem(response) or _foreign_answer(response, request_id)
    return ApiError(problem, retry_after=retry_after(response))


def retry_after(response: httpx.Response) -> float | None:
    """Seconds from Retry-After; only the delta form, which is what the platform sends."""
    try:
        return max(0.0, float(response.headers["Retry-After"]))
    except (KeyError, ValueError):
        return None


def unreachable(base_url: str, request_id: str) -> ApiError:
    return made_here(
        "unreachable",
        503,
        f"Nothing answers at {base_url}.",
        "Start it with 'make up', or name another address with --url or SWITCHBOARD_URL.",
        request_id,
    )


def timed_out(base_url: str, request_id: str) -> ApiError:
    return made_here(
        "timed_out",
        504,
        f"{base_url} did not answer in time.",
        "Try again. If it happens again, tell your admin the request id.",
        request_id,
    )


def connection_lost(base_url: str, request_id: str) -> ApiError:
    return made_here(
        "connection_lost",
        503,
        f"The connection to {base_url} broke before the answer was complete.",
        "Try again: a repeated request has no second effect.",
        request_id,
    )


def stream_lost(base_url: str, request_id: str) -> ApiError:
    return made_here(
        "stream_lost",
        503,
        f"The connection to {base_url} broke while the answer was being written.",
        "The answer is not lost: open the session again in a minute to read it.",
        request_id,
    )


def unreadable(base_url: str, what: str, request_id: str) -> ApiError:
    return made_here(
        "unreadable_answer",
        502,
        f"{base_url} sent {what} that this client cannot read.",
        "Check that this is the address of a Switchboard platform, and that client and platform "
        "are of the same version.",
        request_id,
    )


def invalid(error: ValidationError) -> ApiError:
    """What the platform would refuse with 422, found before it was sent."""
    first = error.errors(include_url=False)[0]
    field = ".".join(str(part) for part in first["loc"]) or "the request"
    return made_here("invalid", 422, f"{field}: {first['msg']}.", "Correct it and send it again.", "")


def bad_address(base_url: str) -> ApiError:
    return made_here(
        "bad_address",
        400,
        f"'{base_url}' is not the address of a platform.",
        "Give it as http://host:port, for example http://localhost:8000.",
        "",
    )


def made_here(code: str, status: int, detail: str, hint: str, request_id: str) -> ApiError:
    """An error in the platform's own form, for what the platform could not say itself."""
    problem = Problem(
        type=f"https://switchboard.dev/errors/{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        hint=hint,
        request_id=request_id,
    )
    return ApiError(problem)


def _own_problem(response: httpx.Response) -> Problem | None:
    try:
        return Problem.model_validate_json(response.content)
    except ValidationError:
        return None


def _foreign_answer(response: httpx.Response, request_id: str) -> Problem:
    base = f"{response.url.scheme}://{response.url.netloc.decode()}"
    return Problem(
        type="about:blank",
        title=response.reason_phrase or "Unexpected answer",
        status=response.status_code,
        detail=f"{base} answered {response.status_code} without saying why.",
        code=f"http_{response.status_code}",
        hint="Check that this is the address of a Switchboard platform; a proxy may have answered.",
        request_id=request_id,
    )
