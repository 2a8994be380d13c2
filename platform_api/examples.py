"""One example of each shape that the published description names; a test holds them to the shapes."""

from typing import Any, Final

_ID = "0d1f6f0e-6c0b-4b58-9e0a-4a5f1c3b7a11"
_BASE = "5f1c3b7a-1111-4b58-9e0a-0d1f6f0e6c0b"
_JOB = "8b4d2c6e-2222-4b58-9e0a-3c5e7a9b1d2f"
_AT = "2026-11-20T09:30:00Z"
_URL = f"http://localhost:8000/api/v1/documents/{_ID}/content#carrying-over"
_QUOTE = "Up to five days can be carried over until the end of March."

_CITATION: dict[str, Any] = {
    "n": 1,
    "sentence": _QUOTE,
    "doc_id": _ID,
    "chunk_id": _JOB,
    "url": _URL,
    "title": "Leave",
    "section": "Carrying over",
    "quote": _QUOTE,
    "confidence": 0.99,
}
_JOB_SHOWN: dict[str, Any] = {
    "id": _JOB,
    "kind": "upload",
    "status": "running",
    "progress": {"done": 3, "total": 12, "stage": "reading"},
    "errors": [{"document": "old.pdf", "code": "encrypted", "detail": "The file is protected."}],
    "items": [
        {
            "document_id": _ID,
            "document": "leave.md",
            "status": "running",
            "stage": "embedding",
            "done": 12,
            "total": 40,
            "attempts": 1,
        }
    ],
    "created_at": _AT,
}
_KEY: dict[str, Any] = {
    "id": _ID,
    "name": "laptop",
    "scopes": ["query_kb", "use_agent"],
    "created_at": _AT,
    "expires_at": "2027-02-18T09:30:00Z",
}

_RUN: dict[str, Any] = {
    "id": _JOB,
    "source_id": _ID,
    "job_id": _JOB,
    "status": "succeeded",
    "counts": {"success": 3, "failed": 1, "skipped": 212, "removed": 1, "unchanged": 210},
    "problems": [
        {
            "path": "wiki.example.com/handbook/rosters",
            "url": "https://wiki.example.com/handbook/rosters",
            "code": "sign_in",
            "detail": "The site wants a sign-in.",
        }
    ],
    "started_at": _AT,
    "finished_at": _AT,
}
EXAMPLES: Final[dict[str, Any]] = {
    "ReplayRequest": {"task": "library.ingest"},
    "ApiKey": _KEY,
    "AuditBatch": {
        "events": [
            {
                "id": "01JD7Z8Q4M5W9XK2T3V6B8N0PR",
                "at": _AT,
                "kind": "audit",
                "type": "tool.called",
                "organisation_id": _BASE,
                "actor": f"user:{_ID}",
                "data": {"tool": "docs.search", "ok": True},
            }
        ]
    },
    "ChatRequest": {"message": "How many days of leave can I carry over?"},
    "Citation": _CITATION,
    "CreateApiKey": {"name": "laptop", "scopes": ["query_kb", "use_agent"], "expires_in_days": 90},
    "CreateKnowledgeBase": {"name": "My notes"},
    "CreatedApiKey": {**_KEY, "key": f"sb_{_ID.replace('-', '')}_shown-this-once"},
    "DevSignIn": {"person": "maya"},
    "Document": {
        "id": _ID,
        "knowledge_base_id": _BASE,
        "path": "people/leave.md",
        "title": "Leave",
        "status": "ready",
        "version": 2,
        "content_type": "text/markdown",
        "size": 1834,
        "source": "upload",
        "source_url": _URL.partition("#")[0],
        "service_scope": "general",
        "scope_reason": "The front matter says so.",
        "doc_type": "policy",
        "tags": ["leave"],
        "privacy_level": "general",
        "corrected": ["tags"],
        "chunks": 4,
        "edition": 7,
        "created_at": _AT,
        "updated_at": _AT,
    },
    "Facets": {
        "service_scope": [{"value": "general", "count": 12}],
        "doc_type": [{"value": "policy", "count": 9}, {"value": "guide", "count": 3}],
        "source": [{"value": "upload", "count": 12}],
        "tags": [{"value": "leave", "count": 2}],
    },
    "FeedbackRequest": {"vote": "up", "comment": "Exactly what I needed."},
    "InvokeTool": {"arguments": {"query": "carrying over leave", "top_k": 3}},
    "Job": _JOB_SHOWN,
    "KnowledgeBase": {
        "id": _BASE,
        "name": "Everyone",
        "owner_type": "org",
        "owner_id": _JOB,
        "documents": 12,
        "created_at": _AT,
    },
    "Me": {
        "id": _ID,
        "organisation_id": _BASE,
        "name": "Maya",
        "email": "maya@example.com",
        "groups": ["operations"],
        "roles": ["User"],
        "permissions": ["query_kb", "upload_docs", "use_agent"],
    },
    "QueryRequest": {"query": "carrying over leave", "top_k": 3, "filters": {"doc_type": "policy"}},
    "RenameSession": {"title": "Leave"},
    "ResolvePrincipal": {"api_key": f"sb_{_ID.replace('-', '')}_the-secret"},
    "SearchResult": {
        "chunks": [
            {
                "chunk_id": _JOB,
                "content": _QUOTE,
                "score": 0.93,
                "metadata": {
                    "source_url": _URL,
                    "source_hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                    "page_title": "Leave",
                    "section_title": "Carrying over",
                    "service_scope": "general",
                    "chunk_index": 1,
                    "doc_id": _ID,
                },
            }
        ],
        "total_results": 7,
        "query_time_ms": 11.2,
    },
    "CreateSource": {
        "kind": "crawl",
        "url": "https://wiki.example.com/handbook/",
        "exclude": ["*/archive/*"],
        "schedule": 60,
    },
    "Source": {
        "id": _ID,
        "knowledge_base_id": _BASE,
        "kind": "crawl",
        "url": "https://wiki.example.com/handbook/",
        "exclude": ["*/archive/*"],
        "schedule": 60,
        "status": "active",
        "documents": 213,
        "next_run_at": _AT,
        "last_run": _RUN,
        "created_by": _ID,
        "created_at": _AT,
    },
    "SourceRun": _RUN,
    "UpdateSource": {"paused": False},
    "SignedIn": {"access_token": "eyJhbGciOiJFZERTQSJ9.…", "token_type": "Bearer", "expires_in": 1800},
    "ToolOutcome": {
        "is_error": False,
        "content": [{"type": "text", "text": "1 passage"}],
        "structured": {"total_results": 1},
    },
    "TurnCompleted": {
        "type": "turn.completed",
        "turn_id": _JOB,
        "seq": 9,
        "session_id": _BASE,
        "message_id": _ID,
        "request_id": "01JD7Z8Q4M5W9XK2T3V6B8N0PR",
        "outcome": "answered",
        "text": f"{_QUOTE} [1]",
        "citations": [_CITATION],
        "usage": {"input_tokens": 812, "output_tokens": 21, "model": "extractive"},
        "timings": {"first_text_ms": 38.5, "total_ms": 44.1},
    },
    "RegisterServer": {
        "name": "files",
        "address": "https://files.example.com/mcp",
        "description": "The project's files.",
        "credential": "stored",
    },
    "UpdateServer": {"version": 3, "disabled": True},
    "ApproveServer": {"tools": [{"name": "files.read", "policy": {"risk": "read", "roles": ["User"]}}]},
    "ApproveDefinition": {"definition_hash": "0" * 64},
    "Quarantine": {"reason": "It answers with somebody else's files."},
    "UpdateTool": {"version": 2, "roles": ["TeamLead"], "calls_per_min": 30, "requires": ["docs.search"]},
    "CorrectDocument": {"service_scope": "general", "tags": ["leave"], "title": None},
    "MoveDocument": {"knowledge_base_id": _BASE, "path": "people/leave.md"},
    "ShareWith": {"email": "tom@example.com"},
    "UploadAccepted": {
        "documents": [
            {"id": _ID, "title": "Leave", "status": "queued"},
            {"id": _BASE, "title": "empty.md", "status": "refused", "error": "The file is empty."},
        ],
        "job_id": _JOB,
    },
    "LeadDone": {"crm_id": "501-2231"},
    "Respond": {"action": "accept", "content": {"name": "Maya", "email": "maya@example.com"}},
    "OpenOneShot": {
        "claims": {"sub": _ID, "org": _BASE},
        "tool": "files.delete",
        "arguments": {"path": "drafts/old.md"},
        "digest": "0" * 64,
        "message": "Allow files.delete?",
    },
    "ConsumeOneShot": {"claims": {"sub": _ID, "org": _BASE}, "digest": "0" * 64, "opened": True},
    "StartConnection": {"server": "files"},
    "SetSignIn": {
        "kind": "authorization_code",
        "client_id": "switchboard",
        "scopes": ["files.read"],
    },
    "AskToken": {"organisation_id": _BASE, "user_id": _ID},
    "CreateBot": {"channel": "slack", "name": "Switchboard in Slack"},
    "RequestLink": {"identity": "slack:T024BE7LD/U023BECGF", "name": "Maya", "email": "maya@example.com"},
    "ConfirmLink": {"code": "7KQ2-M9XD-4HTB", "identity": "slack:T024BE7LD/U023BECGF"},
    "StateSteps": {
        "steps": [
            {"do": "get", "key": "seen/T024BE7LD/D1/1764057601.000200"},
            {"do": "put", "key": "turn/T024BE7LD/D1/1764057601.000200", "value": {}, "version": 0},
        ]
    },
    "PutState": {"value": {"team": "T024BE7LD"}, "version": 0, "expires_in_s": 3600},
    "ClaimDeliveries": {"channel": "slack", "limit": 10, "lease_s": 60, "wait_s": 20},
    "AckDelivery": {"lease": _ID, "outcome": "delivered"},
}
