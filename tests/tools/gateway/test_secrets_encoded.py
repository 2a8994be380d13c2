"""Secrets in base64, as Kubernetes and HTTP have them; and results too large for the event loop."""

import base64
import json
import os
import threading
from collections.abc import Callable, Container

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tools.gateway.links import call_of, offered
from tests.tools.gateway.test_wrappers import SECRETS, Inner
from tests.tools.world import MAYA
from tools.gateway import secrets
from tools.gateway.call import Reply
from tools.gateway.secrets import looked_through, without_secrets
from tools.gateway.wrappers.redact import redacted

ENCODED = ("our key", "token", "aws", "github", "slack", "model", "private key")


@pytest.mark.parametrize("kind", ENCODED)
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.proves("GATE-011")
def test_a_secret_in_base64_stays_here(kind: str, encode: Callable[[bytes], bytes]) -> None:
    run = encode(SECRETS[kind].encode()).decode()
    said = {"content": [{"type": "text", "text": f"data:\n  value: {run}\nkind: Secret"}]}
    clean, found = without_secrets(json.dumps(said).encode())
    assert found == 1
    assert json.loads(clean)["content"][0]["text"] == "data:\n  value: [REDACTED]\nkind: Secret"


@pytest.mark.proves("GATE-011")
def test_user_and_password_of_a_request_stay_here() -> None:
    said = f"Authorization: Basic {base64.b64encode(b'maya:hunter2').decode()}"
    assert without_secrets(json.dumps(said).encode()) == (b'"Authorization: Basic [REDACTED]"', 1)
    plain = b'"Basic instructions: basic knowledge, Basic YWJjZGVmZ2hpams="'
    assert without_secrets(plain) == (plain, 0)


@given(data=st.binary(max_size=400))
@pytest.mark.proves("GATE-011")
def test_what_is_no_secret_stays_in_base64(data: bytes) -> None:
    text = json.dumps({"data": base64.b64encode(b"ghost" + data).decode()}).encode()
    assert without_secrets(text) == (text, 0)


@pytest.mark.proves("GATE-011")
async def test_a_large_result_is_looked_through_beside_the_event_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    threads: list[int] = []
    real = secrets._plainly  # pyright: ignore[reportPrivateUsage] - the patterns themselves, wherever they run

    def noting(text: bytes, marks: Container[str]) -> tuple[bytes, int]:
        threads.append(threading.get_ident())
        return real(text, marks)

    monkeypatch.setattr(secrets, "_plainly", noting)
    large = base64.b64encode(os.urandom(300_000)).decode()
    for padding in ("", large):
        said = {"content": [{"type": "text", "text": padding + " " + SECRETS["aws"]}]}
        reply = await redacted(Inner(Reply(json.dumps(said).encode())))(call_of(MAYA, offered()))
        assert SECRETS["aws"] not in reply.result.decode()
    assert threads[0] == threading.get_ident() != threads[1]


@given(
    st.integers(0, 60),
    st.sampled_from([SECRETS["aws"], f"Bearer {'a1' * 20}", "https://maya:letmein1@host/"]),
)
async def test_a_large_text_is_looked_through_as_a_small_one_is(before: int, secret: str) -> None:
    """Wherever a slice ends: also in the middle of a mark, or of what it marks."""
    filler = "lorem ipsum " * 4000
    start = 16_384 - 30 + before
    text = f'{{"text":"{filler[:start]} {secret} {filler}"}}'.encode()
    assert await looked_through(text) == without_secrets(text)
    assert (await looked_through(text))[1] == 1
