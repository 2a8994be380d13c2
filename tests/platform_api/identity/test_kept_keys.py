import pytest
from sqlalchemy import text

from tests.platform_api.people import People


@pytest.mark.proves("IDENTITY-002")
async def test_of_a_key_only_a_hash_is_kept_and_it_is_shown_once(people: People) -> None:
    key: str = (await people.maya.post("/api/v1/api-keys", json={"name": "laptop"})).json()["key"]
    secret = key.rpartition("_")[2]

    async with people.ports.database.begin() as session:
        kept = str((await session.execute(text("SELECT * FROM api_keys"))).mappings().all())

    assert "laptop" in kept
    assert secret not in kept
    assert secret not in (await people.maya.get("/api/v1/api-keys")).text
