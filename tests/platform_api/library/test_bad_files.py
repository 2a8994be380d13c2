"""Bad input: each a clear problem, nothing half-stored."""

from collections.abc import AsyncIterator
from io import BytesIO
from zipfile import ZipFile

import pytest
from fpdf import FPDF
from fpdf.enums import EncryptionMethod
from httpx import AsyncClient, Response

from knowledge.prepare import Preparer
from platform_api.app import PlatformPorts
from platform_api.library.service.intake import INGEST
from platform_api.library.service.scopes import Scopes
from platform_api.library.tasks import LibraryTasks
from platform_api.platform_ports import changes_of
from tests.platform_api.library.steps import HANDBOOK, base_of, listed, personal_base, stored_files, upload
from tests.platform_api.people import People
from tests.platform_api.work import Work

PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"
)
MB = 1024 * 1024


def corrupt_docx() -> bytes:
    """An Office file by its table of contents, but what it holds is no XML."""
    buffer = BytesIO()
    with ZipFile(buffer, "w") as archive:
        kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
        archive.writestr(
            "[Content_Types].xml",
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            f'<Override PartName="/word/document.xml" ContentType="{kind}"/></Types>',
        )
        archive.writestr("word/document.xml", "this is not XML <<<")
    return buffer.getvalue()


def encrypted_pdf() -> bytes:
    pdf = FPDF()
    pdf.set_encryption(owner_password="owner", user_password="user", encryption_method=EncryptionMethod.RC4)
    pdf.add_page()
    pdf.set_font("helvetica", size=12)
    pdf.cell(text="Twenty-five days of leave.")
    return bytes(pdf.output())


async def nothing_is_stored(people: People, base: str) -> bool:
    jobs = (await people.maya.get("/api/v1/jobs")).json()["items"]
    return await listed(people.maya, base) == [] and jobs == [] and stored_files(people) == []


@pytest.mark.proves("INPUT-001")
@pytest.mark.parametrize(
    ("name", "data", "status", "code"),
    [
        ("empty.md", b"", 422, "empty"),
        ("blank.txt", b" \n\n ", 422, "empty"),
        ("huge.txt", b"x" * (25 * MB + 1), 413, "document_too_large"),
        ("picture.pdf", PNG, 415, "unsupported_document"),
        ("archive.docx", b"PK\x03\x04 and then nothing", 422, "corrupt"),
        ("old.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, 415, "unsupported_document"),
        ("../../etc/passwd", b"root", 422, "bad_file_name"),
        ("..", b"# Hello", 422, "bad_file_name"),
    ],
)
async def test_a_file_that_cannot_be_taken_is_a_problem_and_leaves_nothing(
    people: People, name: str, data: bytes, status: int, code: str
) -> None:
    base = await personal_base(people.maya)
    answer = await upload(people.maya, base, (name, data))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["hint"]
    assert await nothing_is_stored(people, base)


async def test_a_bad_file_beside_a_good_one_costs_only_itself(people: People, worker: Work) -> None:
    base = await personal_base(people.maya)

    answer = (await upload(people.maya, base, ("bad.md", b""), ("good.md", HANDBOOK))).json()
    await worker.finish()
    job = (await people.maya.get(f"/api/v1/jobs/{answer['job_id']}")).json()

    assert [document["status"] for document in answer["documents"]] == ["refused", "queued"]
    assert answer["documents"][0]["error"] == "The file is empty."
    assert job["status"] == "succeeded"
    assert job["progress"] == {"done": 2, "total": 2, "stage": "done"}
    assert job["errors"] == [{"document": "bad.md", "code": "empty", "detail": "The file is empty."}]


@pytest.mark.proves("INPUT-001")
async def test_a_name_that_cannot_be_stored_costs_only_its_own_file(people: People) -> None:
    base = await personal_base(people.maya)
    parts = b"".join(
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="' + name + b'"\r\n\r\n# A\n\ntext\r\n'
        for name in (b"a\x00b.md", b"a\x1b[2Jb.md", b"good.md")
    )
    answer = await people.maya.post(
        f"/api/v1/knowledge-bases/{base}/documents",
        content=parts + b"--x--\r\n",
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )
    job = (await people.maya.get(f"/api/v1/jobs/{answer.json()['job_id']}")).json()
    assert [one["status"] for one in answer.json()["documents"]] == ["refused", "refused", "queued"]
    assert [error["document"] for error in job["errors"]] == ["a\ufffdb.md", "a\ufffd[2Jb.md"]


async def test_metadata_that_comes_twice_is_refused(people: People) -> None:
    base = await personal_base(people.maya)
    metadata = b'--x\r\nContent-Disposition: form-data; name="metadata"\r\n\r\n{}\r\n'
    answer = await people.maya.post(
        f"/api/v1/knowledge-bases/{base}/documents",
        content=metadata * 2 + b"--x--\r\n",
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )
    assert (answer.status_code, answer.json()["detail"]) == (400, "`metadata` came twice.")


@pytest.mark.proves("INPUT-002")
@pytest.mark.parametrize(
    ("name", "make", "code"),
    [("sealed.pdf", encrypted_pdf, "encrypted"), ("broken.docx", corrupt_docx, "corrupt")],
)
async def test_a_file_whose_fault_shows_only_when_it_is_read_fails_in_its_job(
    people: People, worker: Work, name: str, make: type[bytes], code: str
) -> None:
    base = await personal_base(people.maya)
    answer = (await upload(people.maya, base, (name, make()))).json()

    await finish_in_a_child(people.ports, worker)

    job = (await people.maya.get(f"/api/v1/jobs/{answer['job_id']}")).json()
    document = (await listed(people.maya, base))[0]
    content = await people.maya.get(f"/api/v1/documents/{document['id']}/content")
    assert job["status"] == "failed"
    assert [(error["document"], error["code"]) for error in job["errors"]] == [(name, code)]
    assert document["status"] == "failed"
    assert document["error"] == job["errors"][0]["detail"]
    assert content.json()["code"] == "document_not_readable"


async def finish_in_a_child(ports: PlatformPorts, worker: Work) -> None:
    """With the real preparer: its child process reads the file."""
    preparer = Preparer()
    tasks = LibraryTasks(
        ports.database,
        ports.blobs,
        changes_of(ports, surely=True),
        preparer=preparer,
        vectoriser=ports.vectoriser,
        scopes=Scopes.load(None),
        clock=ports.clock,
    )
    try:
        while job := await worker.take():
            assert job[0] == INGEST
            await tasks.ingest(job[1])
    finally:
        await preparer.close()


async def test_an_unreadable_new_version_leaves_the_old_one_as_it_is(people: People, worker: Work) -> None:
    base = await personal_base(people.maya)
    document = (await upload(people.maya, base, ("leave.md", HANDBOOK))).json()["documents"][0]["id"]
    await worker.finish()

    await upload(people.maya, base, ("leave.md", corrupt_docx()))
    await worker.finish()

    assert (await listed(people.maya, base))[0]["status"] == "failed"
    assert "25 days" in (await people.maya.get(f"/api/v1/documents/{document}/content")).text


@pytest.mark.parametrize(
    ("metadata", "detail"),
    [
        ('{"colour": "red"}', "Unknown field 'metadata.colour'."),
        ('{"tags": "a"}', "Field 'metadata.tags'"),
        ("{", "Field 'metadata'"),
        ('{"title": "\xff"', "Field 'metadata'"),
        ('{"source_url": "javascript:alert(1)"}', "only http and https"),
        ('{"groups": ["finance"]}', "You do not belong to: finance."),
    ],
)
async def test_bad_metadata_is_named(people: People, metadata: str, detail: str) -> None:
    base = await personal_base(people.maya)
    answer = await people.maya.post(
        f"/api/v1/knowledge-bases/{base}/documents",
        files={"file": ("a.md", b"# A\n\ntext")},
        data={"metadata": metadata},
    )
    assert answer.status_code == 422
    assert detail in answer.json()["detail"]
    assert await nothing_is_stored(people, base)


@pytest.mark.parametrize(
    ("headers", "content"),
    [
        ({"Content-Type": "application/json"}, b"{}"),
        ({"Content-Type": "multipart/form-data"}, b"no boundary"),
        ({"Content-Type": "multipart/form-data; boundary=x"}, b"--x\r\nnonsense"),
        ({"Content-Type": "multipart/form-data; boundary=x"}, b"--x--\r\n"),
    ],
)
async def test_a_body_that_is_no_upload_is_a_bad_request(
    people: People, headers: dict[str, str], content: bytes
) -> None:
    base = await personal_base(people.maya)
    answer = await people.maya.post(
        f"/api/v1/knowledge-bases/{base}/documents", headers=headers, content=content
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_upload")


async def test_too_many_files_are_too_large_an_upload(people: People) -> None:
    base = await personal_base(people.maya)
    answer = await upload(people.maya, base, *[(f"{n}.md", "# A\n\ntext") for n in range(65)])
    assert (answer.status_code, answer.json()["code"]) == (413, "too_many_files")


async def test_who_may_not_upload_is_refused_before_the_body_is_read(
    people: People, anyone: AsyncClient
) -> None:
    base = await base_of(people.maya)
    path = f"/api/v1/knowledge-bases/{base}/documents"

    async def endless() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    nobody: Response = await anyone.post(path, headers=headers, content=endless())
    member: Response = await people.maya.post(path, headers=headers, content=endless())
    assert nobody.status_code == 401
    assert member.json()["code"] == "not_your_knowledge_base"


@pytest.mark.proves("INPUT-001")
async def test_a_message_of_100_000_characters_is_refused_with_the_limit(people: People) -> None:
    answer = await people.maya.post("/api/v1/chat", json={"message": "x" * 100_000})
    assert answer.status_code == 422
    assert "message" in answer.json()["detail"]
    assert "16000" in answer.json()["detail"]


async def test_a_query_with_an_unknown_field_names_it(people: People) -> None:
    base = await base_of(people.maya)
    answer = await people.maya.post(
        f"/api/v1/knowledge-bases/{base}/query", json={"query": "x", "filters": {"colour": "red"}}
    )
    assert answer.json()["detail"] == "Unknown field 'filters.colour'."
