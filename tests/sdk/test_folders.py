from pathlib import Path
from typing import Any

import pytest
from switchboard_sdk import Switchboard
from switchboard_sdk.folders import BadMapping, FolderUpload, Progress, batches, files_in, rules_of

from tests import scripted_platform as say
from tests.scripted_platform import NOW, SESSION, TURN, Answer, ScriptedPlatform, Stream, sse

DOCUMENTS = f"/api/v1/knowledge-bases/{SESSION}/documents"
JOB = f"/api/v1/jobs/{TURN}"


@pytest.fixture
def handbook(tmp_path: Path) -> Path:
    for name in ("index.md", "finance/pay.md", "finance/deep/tax.md", ".git/config", "golden.yaml"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {name}")
    (tmp_path / "handbook.yaml").write_text("folders:\n  finance:\n    groups: [finance]\n")
    return tmp_path


def job(status: str, done: int, errors: list[dict[str, str]] | None = None) -> dict[str, Any]:
    return {
        "type": "job",
        "id": str(TURN),
        "kind": "ingest",
        "status": status,
        "progress": {"done": done, "total": 3, "stage": "reading"},
        "errors": errors or [],
        "created_at": NOW,
        "finished_at": NOW if status in ("succeeded", "failed") else None,
    }


def accepted(*statuses: str) -> Answer:
    documents = [
        {"id": f"00000000-0000-4000-8000-{n:012d}", "title": f"t{n}", "status": status}
        for n, status in enumerate(statuses)
    ]
    return Answer({"documents": documents, "job_id": str(TURN)}, 202)


def test_documents_are_named_by_their_path_and_hidden_files_are_left_out(handbook: Path) -> None:
    assert [file.name for file in files_in(handbook)] == ["finance/deep/tax.md", "finance/pay.md", "index.md"]


def test_the_mapping_holds_for_everything_below_its_folder(handbook: Path) -> None:
    sent = [
        ([file.name for file in batch.files], batch.metadata and batch.metadata.groups)
        for batch in batches(files_in(handbook), rules_of(handbook))
    ]
    assert sent == [(["finance/deep/tax.md", "finance/pay.md"], ["finance"]), (["index.md"], None)]


@pytest.mark.parametrize("mapping", ["folders: [a]", "folders:\n  a:\n    colour: red\n", "{", "- a"])
def test_a_mapping_that_cannot_be_understood_is_refused_with_its_name(tmp_path: Path, mapping: str) -> None:
    # Read leniently, a misspelt `groups` would show a department's pages to everyone.
    (tmp_path / "handbook.yaml").write_text(mapping)
    with pytest.raises(BadMapping, match=r"handbook\.yaml"):
        rules_of(tmp_path)


async def test_every_file_of_a_folder_gets_a_result(
    client: Switchboard, platform: ScriptedPlatform, handbook: Path
) -> None:
    platform.on("POST", DOCUMENTS, accepted("queued", "unchanged"), accepted("queued"))
    platform.on("GET", JOB, Answer(job("running", 1)))
    errors = [{"document": "finance/deep/tax.md", "code": "corrupt", "detail": "It is cut off."}]
    platform.on("GET", f"{JOB}/events", Stream([sse(job("failed", 3, errors))]))
    steps: list[Progress] = []
    upload = FolderUpload(client, SESSION, steps.append)
    results = await upload.run(files_in(handbook), rules_of(handbook))
    assert [(result.name, result.status, result.reason) for result in results] == [
        ("finance/deep/tax.md", "failed", "It is cut off."),
        ("finance/pay.md", "unchanged", ""),
        ("index.md", "ready", ""),
    ]
    assert steps[-1].sent == steps[-1].total == 3


async def test_one_refused_file_does_not_keep_the_others_out(
    client: Switchboard, platform: ScriptedPlatform, handbook: Path
) -> None:
    refused = Answer(say.problem(413, "too_large", "This file is 64 MB."), 413)
    platform.on("POST", DOCUMENTS, refused, refused, accepted("unchanged"))
    platform.on("GET", JOB, Answer(job("succeeded", 1)))
    results = await FolderUpload(client, SESSION).run(files_in(handbook), rules_of(handbook))
    assert [result.status for result in results] == ["refused", "unchanged", "unchanged"]
    assert "64 MB" in results[0].reason


async def test_a_job_is_followed_over_a_broken_connection(
    client: Switchboard, platform: ScriptedPlatform
) -> None:
    platform.on("GET", JOB, Answer(job("running", 0)), Answer(job("running", 2)))
    events = [Stream([sse(job("running", 1))], cut=True), Stream([sse(job("succeeded", 3))])]
    platform.on("GET", f"{JOB}/events", *events)
    states = [state async for state in client.jobs.follow(TURN)]
    assert [state.progress.done for state in states] == [0, 1, 2, 3]
    assert states[-1].status == "succeeded"
