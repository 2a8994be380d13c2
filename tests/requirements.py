"""The manifest of promises: id → what SPEC promises. Tests name the ids that they prove with
`@pytest.mark.proves("ID")`; tests/architecture checks the link both ways."""

PROMISES: dict[str, str] = {
    "ACCESS-001": "A search without an access filter cannot be expressed (SPEC 6)",
    "ACCESS-002": "Service tokens live 60 s, are audience-bound, up to 64 keys inline (SPEC 6)",
    "ACCESS-003": "In a shared place only documents for everyone in the organisation are used (SPEC 6)",
    "HOUSE-001": "Imports follow the layers of the house; a violation is caught (ARCHITECTURE)",
    "LOG-001": "E-mail, phone, credentials and message bodies are redacted in logs (SPEC 12)",
    "RESILIENCE-001": "A breaker opens after its failures, refuses at once, and closes by one probe (SPEC 11)",
    "TURN-001": "Turn events have one shape on every transport (SPEC 4)",
    "SDK-001": "A cut stream is re-attached, and no event comes twice (SPEC 4)",
    "SDK-002": "Every error is a problem that says the next step (SPEC 3)",
    "SDK-003": "Retry-After is honoured, and a repeated write carries the same Idempotency-Key (SPEC 3)",
    "SDK-004": "Where nothing answers, the client says how to start the platform (SPEC 1 J3)",
    "EDGE-001": "Every route asks who is there or stands in PUBLIC_ROUTES with its reason (ARCHITECTURE, house rule 4)",
    "IDENTITY-001": "Dev sign-in only in the all-in-one shape, refused elsewhere at start (SPEC 6)",
    "IDENTITY-002": "API keys are hashed, scoped, shown once, and never carry more than their owner (SPEC 3, 6)",
    "QUEUE-001": "A job is deferred in the transaction that creates its row, and rolls back with it (SPEC 7)",
    "QUEUE-002": "A failing job is tried again with backoff, then kept with its reason for replay (SPEC 7)",
    "QUEUE-003": "A killed worker loses no job: another one takes over (SPEC 7)",
    "QUEUE-004": "A periodic task runs once per turn over all workers (SPEC 7)",
    "QUEUE-005": "The trace of a request goes on in its jobs (SPEC 12)",
    "BOT-001": "Anything broken ends in one visible sentence with a request id; never silence (SPEC 1 J1)",
    "BOT-002": "Text from documents is data: it cannot drive the terminal (SPEC 13)",
    "VERIFY-001": "A number, name, unit or negation that the quote does not contain never passes (SPEC 7)",
}
