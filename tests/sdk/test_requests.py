import socket

import pytest
from switchboard_sdk import ApiError, NamedFile, Switchboard

from tests import scripted_platform as say
from tests.scripted_platform import NOW, SESSION, Answer, ScriptedPlatform

ME = {
    "id": str(SESSION),
    "organisation_id": str(SESSION),
    "name": "Maya",
    "email": "maya@example.com",
    "groups": ["operations"],
    "roles": ["User"],
    "permissions": ["query_kb"],
}
KEY = {"id": str(SESSION), "name": "ci", "scopes": [], "created_at": NOW, "expires_at": NOW, "key": "sb_1_2"}


def document(n: int) -> dict[str, object]:
    return {"id": f"00000000-0000-4000-8000-{n:012d}", "title": f"Page {n}", "status": "queued"}


async def test_a_call_carries_the_token_and_comes_back_typed(
    client: Switchboard, platform: ScriptedPlatform
) -> None:
    platform.on("GET", "/api/v1/me", Answer(ME))
    assert (await client.me()).groups == ["operations"]
    assert platform.seen[0].headers["Authorization"] == "Bearer token-of-maya"


async def test_signing_in_as_a_dev_person_makes_later_calls_theirs(
    client: Switchboard, platform: ScriptedPlatform
) -> None:
    platform.on("POST", "/auth/dev", Answer({"access_token": "token-of-tom", "expires_in": 3600}))
    platform.on("GET", "/api/v1/me", Answer(ME))
    await client.sign_in_dev("tom")
    await client.me()
    assert platform.seen[1].headers["Authorization"] == "Bearer token-of-tom"


async def test_an_expired_dev_sign_in_is_renewed_once(
    client: Switchboard, platform: ScriptedPlatform
) -> None:
    tokens = [Answer({"access_token": f"token-{n}", "expires_in": 1800}) for n in (1, 2)]
    platform.on("POST", "/auth/dev", *tokens)
    expired = Answer(say.problem(401, "unauthenticated"), 401)
    platform.on("GET", "/api/v1/me", expired, Answer(ME), expired)
    await client.sign_in_dev("maya")
    await client.me()
    assert platform.requests("GET", "/api/v1/me")[1].headers["Authorization"] == "Bearer token-2"
    with pytest.raises(ApiError, match="Do something else"):
        await client.me()


@pytest.mark.proves("SDK-002")
async def test_a_problem_of_the_platform_arrives_whole(
    client: Switchboard, platform: ScriptedPlatform
) -> None:
    platform.on("GET", "/api/v1/me", Answer(say.problem(403, "forbidden"), 403))
    with pytest.raises(ApiError, match="Do something else") as caught:
        await client.me()
    assert (caught.value.code, caught.value.request_id) == ("forbidden", "req-from-platform")
    assert len(platform.seen) == 1


@pytest.mark.proves("SDK-003")
async def test_a_limit_is_waited_out_as_long_as_the_platform_says(
    client: Switchboard, platform: ScriptedPlatform, waits: list[float]
) -> None:
    limited = Answer(say.problem(429, "too_many_requests"), 429, {"Retry-After": "7"})
    platform.on("POST", "/api/v1/api-keys", limited, Answer(KEY, 201))
    assert (await client.api_keys.create("ci")).key == "sb_1_2"
    assert waits == [7.0]
    first, second = platform.seen
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]


async def test_a_wait_that_is_too_long_is_left_to_the_caller(
    client: Switchboard, platform: ScriptedPlatform, waits: list[float]
) -> None:
    limited = Answer(say.problem(429, "too_many_requests"), 429, {"Retry-After": "600"})
    platform.on("GET", "/api/v1/me", limited)
    with pytest.raises(ApiError) as caught:
        await client.me()
    assert caught.value.retry_after == 600
    assert waits == []


async def test_every_write_has_a_key_of_its_own(client: Switchboard, platform: ScriptedPlatform) -> None:
    platform.on("POST", "/api/v1/api-keys", Answer(KEY, 201))
    await client.api_keys.create("one")
    await client.api_keys.create("two")
    first, second = platform.seen
    assert first.headers["Idempotency-Key"] != second.headers["Idempotency-Key"]


async def test_a_failure_of_the_platform_itself_is_not_repeated(
    client: Switchboard, platform: ScriptedPlatform
) -> None:
    platform.on("GET", "/api/v1/me", Answer(say.problem(500, "internal"), 500))
    with pytest.raises(ApiError):
        await client.me()
    assert len(platform.seen) == 1


async def test_lists_are_read_to_their_end(client: Switchboard, platform: ScriptedPlatform) -> None:
    base = {"id": str(SESSION), "name": "Handbook", "owner_type": "org", "owner_id": "x"}
    item = {**base, "documents": 3, "created_at": NOW}
    pages = [Answer({"items": [item], "next_cursor": "more"}), Answer({"items": [item, item]})]
    platform.on("GET", "/api/v1/knowledge-bases", *pages)
    assert len([found async for found in client.knowledge_bases.all()]) == 3
    assert platform.seen[1].query == {"cursor": "more"}


async def test_an_uploaded_file_keeps_its_relative_name(
    client: Switchboard, platform: ScriptedPlatform
) -> None:
    path = f"/api/v1/knowledge-bases/{SESSION}/documents"
    platform.on("POST", path, Answer({"documents": [document(1)], "job_id": str(SESSION)}, 202))
    file = NamedFile("travel/übersicht “1”.md", b"# Travel")
    accepted = await client.documents.upload(SESSION, [file])
    assert accepted.documents[0].title == "Page 1"
    assert 'filename="travel/übersicht “1”.md"'.encode() in platform.seen[0].body


async def test_an_answer_that_is_not_ours_is_an_error_that_says_so(
    client: Switchboard, platform: ScriptedPlatform
) -> None:
    platform.on("GET", "/api/v1/me", Answer(b"<html>Welcome to nginx</html>"))
    with pytest.raises(ApiError, match="Check that this is the address") as caught:
        await client.me()
    assert caught.value.code == "unreadable_answer"


async def test_a_proxy_that_answers_in_html_does_not_confuse_the_client(
    client: Switchboard, platform: ScriptedPlatform
) -> None:
    platform.on("GET", "/api/v1/me", Answer(b"<html>404</html>", 404))
    with pytest.raises(ApiError) as caught:
        await client.me()
    assert (caught.value.code, caught.value.status) == ("http_404", 404)


@pytest.mark.proves("SDK-004")
async def test_where_nothing_answers_the_error_says_how_to_start_it(waits: list[float]) -> None:
    async def note(seconds: float) -> None:
        waits.append(seconds)

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        async with Switchboard(address, sleep=note) as client:
            with pytest.raises(ApiError, match="make up") as caught:
                await client.me()
    assert caught.value.problem.detail == f"Nothing answers at {address}."
    assert len(caught.value.request_id) == 32


@pytest.mark.parametrize("address", ["localhost:8000", "ftp://localhost", "http://", ""])
async def test_an_address_that_is_none_is_refused_with_an_example(address: str) -> None:
    with pytest.raises(ApiError, match="http://localhost:8000"):
        async with Switchboard(address) as client:
            await client.me()


async def test_a_message_that_is_too_long_is_refused_before_it_is_sent(
    client: Switchboard, platform: ScriptedPlatform
) -> None:
    with pytest.raises(ApiError, match="16000") as caught:
        await client.chat("a" * 16_001)
    assert caught.value.status == 422
    assert platform.seen == []


async def test_a_whole_answer_at_once(client: Switchboard, platform: ScriptedPlatform) -> None:
    platform.on("POST", "/api/v1/chat", Answer(say.completed(3)))
    turn = await client.chat("How much leave do I get?", external_ref="thread-1")
    assert turn.type == "turn.completed"
    assert b'"external_ref":"thread-1"' in platform.seen[0].body
