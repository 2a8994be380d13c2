"""The manifest of promises: id → what SPEC promises. Tests name the ids that they prove with
`@pytest.mark.proves("ID")`; tests/architecture checks the link both ways."""

PROMISES: dict[str, str] = {
    "ACCESS-001": "A search without an access filter cannot be expressed (SPEC 6)",
    "ACCESS-002": "Service tokens live 60 s, are audience-bound, up to 64 keys inline (SPEC 6)",
}
