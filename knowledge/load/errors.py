"""Why a file cannot be read, in words for the person who sent it."""

from typing import Literal

from kit.errors import Invalid

UnreadableCode = Literal[
    "empty",
    "encrypted",
    "corrupt",
    "unsupported",
    "needs_ocr",
    "too_many_pages",
    "too_complex",
    "not_text",
]

HINTS: dict[UnreadableCode, str] = {
    "empty": "Check that the right file was chosen, then send it again.",
    "encrypted": "Remove the password or the protection, save the file and send it again.",
    "corrupt": "Open it in the program that made it, save it again and send the new copy.",
    "unsupported": "Convert it to PDF, DOCX, XLSX, PPTX, HTML, Markdown or plain text and send it again.",
    "needs_ocr": "Run text recognition (OCR) on it and send the result, or send the original document.",
    "too_many_pages": "Split it into several files and send these.",
    "too_complex": "Split it, or export it again without embedded objects, and send it again.",
    "not_text": "Save it as UTF-8 text and send it again.",
}


class UnreadableDocument(Invalid):
    """A file that cannot be read; `reason` is the machine-readable cause, one of UnreadableCode.

    `code` equals `reason`, so that job errors (SPEC 3) and problem+json agree.
    """

    code = "unreadable"
    title = "The file cannot be read"

    def __init__(self, reason: UnreadableCode, detail: str, *, hint: str | None = None) -> None:
        super().__init__(detail, hint=hint or HINTS[reason])
        self.reason: UnreadableCode = reason
        self.code = reason  # pyright: ignore[reportAttributeAccessIssue]  # one class, eight codes
