"""Numbers and names that no document has are answered, not stumbled over."""

import pytest

from tests.platform_api.library.steps import HANDBOOK, personal_base, upload
from tests.platform_api.people import People

HUGE = 10**25


@pytest.mark.parametrize("number", [0, -1, 2**31, HUGE])
async def test_versions_and_letters_that_cannot_be(people: People, number: int) -> None:
    base = await personal_base(people.maya)
    document = (await upload(people.maya, base, ("a.md", HANDBOOK))).json()["documents"][0]["id"]
    mine = f"/api/v1/knowledge-bases/{base}/documents/{document}"
    letters = "/api/v1/admin/jobs/failed"
    answers = [
        await people.maya.post(f"{mine}/versions/{number}/restore"),
        await people.maya.get(f"/api/v1/documents/{document}/content?version={number}"),
        await people.ada.post(f"{letters}/{number * HUGE}/replay"),
        await people.ada.delete(f"{letters}/{number * HUGE}"),
        await people.ada.get(f"{letters}?cursor={number * HUGE}"),
    ]
    assert {answer.status_code for answer in answers} == {404, 422}


@pytest.mark.parametrize("whom", ["group=a%00", "email=%00%00%00", "", "group=a&everyone=true"])
async def test_unsharing_with_nobody(people: People, whom: str) -> None:
    base = await personal_base(people.maya)
    document = (await upload(people.maya, base, ("a.md", HANDBOOK))).json()["documents"][0]["id"]
    answer = await people.maya.delete(f"/api/v1/knowledge-bases/{base}/documents/{document}/shares?{whom}")
    assert answer.status_code == 422
