"""Where a citation leads."""

from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_api.chat.opening import MOST_QUOTED, opened_at
from tests.platform_api.people import People
from tests.platform_api.work import Work

DOCUMENT = UUID("11111111-1111-4111-8111-111111111111")
OWN = f"/api/v1/documents/{DOCUMENT}/content"


def quoted(url: str) -> str:
    return parse_qs(urlsplit(url).query, strict_parsing=True)["quote"][0]


@pytest.mark.proves("ANSWER-011")
def test_our_own_page_opens_at_the_section_with_the_quote_marked() -> None:
    url = opened_at(f"https://ask.example.com{OWN}#annual-leave", DOCUMENT, "25 days & 3 %\nof #1?")
    assert urlsplit(url).fragment == "annual-leave"
    assert quoted(url) == "25 days & 3 % of #1?"


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/leave#annual-leave",
        f"https://example.com/api/v1/documents/{UUID(int=1)}/content#x",
        f"https://example.com/?next={OWN}&x=1",
        f"{OWN}?version=2#x",
        "",
    ],
)
def test_other_addresses_stay_as_they_are(url: str) -> None:
    assert opened_at(url, DOCUMENT, "25 days") == url


@given(st.text(min_size=1, max_size=3000))
def test_any_quote_makes_an_address_that_is_not_too_long_and_reads_back(quote: str) -> None:
    url = opened_at(f"{OWN}#a", DOCUMENT, quote)
    assert len(url) <= MOST_QUOTED + len(OWN) + len("?quote=#a")
    assert url.isascii()
    assert url.endswith("#a")
    if "?" in url:
        assert " ".join(quote.split()).startswith(quoted(url))


def test_a_long_quote_is_cut_between_words() -> None:
    url = opened_at(OWN, DOCUMENT, "weekday " * 400)
    assert set(quoted(url).split()) == {"weekday"}


@pytest.mark.proves("ANSWER-011")
async def test_the_page_behind_it_marks_the_quote(people: People, worker: Work) -> None:
    base = (await people.maya.post("/api/v1/knowledge-bases", json={"name": "Notes"})).json()["id"]
    page = "# Leave\n\n## Annual leave\n\nStaff get 25 days\nof annual leave. More follows."
    sent = [("file", ("leave.md", page.encode(), "text/markdown"))]
    made = await people.maya.post(f"/api/v1/knowledge-bases/{base}/documents", files=sent)
    await worker.finish()
    document = UUID(made.json()["documents"][0]["id"])
    url = opened_at(f"/api/v1/documents/{document}/content#annual-leave", document, "Staff get 25 days")
    shown = (await people.maya.get(url)).text
    assert "Staff get 25 days</mark>" in shown.replace("\n", " ")
    assert 'id="annual-leave"' in shown
