"""Errors of the library."""

from kit.errors import BadRequest, Conflict, Forbidden, Invalid, TooLarge, UnsupportedType


class DocumentTooLarge(TooLarge):
    code = "document_too_large"
    title = "The file is larger than the limit"
    default_hint = "Split it, or ask an admin to raise the limit."


class TooManyFiles(TooLarge):
    code = "too_many_files"
    title = "Too many files in one upload"
    default_hint = "Send them in several uploads."


class UnsupportedDocument(UnsupportedType):
    code = "unsupported_document"
    title = "We cannot read this kind of file"
    default_hint = "Convert it to PDF, DOCX, XLSX, HTML, Markdown or plain text and send it again."


class QuotaExceeded(TooLarge):
    code = "quota_exceeded"
    title = "There is no room left for this"
    default_hint = "Delete documents that you no longer need, or ask an admin to raise the limit."


class ArchiveFileRefused(Invalid):
    """A file of an uploaded archive that stays out; `code` is one of knowledge.load.archive.ArchiveCode."""

    code = "archive_file_refused"
    title = "A file of the archive cannot be taken"
    default_hint = "Send it by itself, or pack the archive again."

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code  # pyright: ignore[reportAttributeAccessIssue]  # one class for all reasons


class BadUpload(BadRequest):
    code = "bad_upload"
    title = "The upload could not be understood"
    default_hint = "Send multipart/form-data with `file` once or more, and `metadata` as JSON if you like."


class BadFileName(Invalid):
    code = "bad_file_name"
    title = "A file needs a usable name"
    default_hint = "Send a file name or a relative path such as `travel/leave.md`."


class UnknownGroup(Invalid):
    code = "unknown_group"
    title = "You can restrict a document only to groups that you belong to"
    default_hint = "GET /api/v1/me lists your groups."


class UnknownScope(Invalid):
    code = "unknown_service_scope"
    title = "There is no such service scope"
    default_hint = "Use one of the scopes that are listed, or leave the field out."


class UnknownStrategy(Invalid):
    code = "unknown_chunk_strategy"
    title = "There is no such way to cut a document"
    default_hint = "Use one of those that are listed, or leave the field out."


class NobodyFound(Invalid):
    code = "nobody_found"
    title = "There is nobody to share with under this name"
    default_hint = "Check the address: only people of your organisation can be shared with."


class TooWide(Forbidden):
    code = "share_too_wide"
    title = "You may not share with so many"
    default_hint = "Share with people or with your own groups, or ask an admin for 'manage_org_kb'."


class TooManyShares(Conflict):
    code = "too_many_shares"
    title = "This document is shared too often"
    default_hint = "Share it with a group, or move it to a knowledge base that all of them can read."


class DocumentChanged(Conflict):
    status = 412
    code = "document_changed"
    title = "Somebody has changed this document since you read it"
    default_hint = "Read it again, then repeat your change with the new ETag."


class PathTaken(Conflict):
    code = "path_taken"
    title = "There is a document at this path already"
    default_hint = "Choose another path, or delete the other document first."


class NoSuchVersion(Conflict):
    code = "no_such_version"
    title = "There is no such version that you can see"
    default_hint = "GET …/versions lists those that you can open and restore."


class NotYours(Forbidden):
    code = "not_your_knowledge_base"
    title = "You may not change this knowledge base"
    default_hint = "Use a personal knowledge base, or ask an admin for 'manage_org_kb' or 'manage_dept_kb'."


class NameTaken(Conflict):
    code = "name_taken"
    title = "You already have a knowledge base of this name"
    default_hint = "Choose another name, or use the one that you have."


class SourceTaken(Conflict):
    code = "source_taken"
    title = "This is a source of this knowledge base already"
    default_hint = "Change its schedule, or start it now: see GET …/sources."


class TooManySources(Conflict):
    code = "too_many_sources"
    title = "This knowledge base has as many sources as it may have"
    default_hint = "Delete one that is no longer needed, or ask an operator to raise the limit."


class SourceNotRunning(Conflict):
    code = "source_not_active"
    title = "This source is paused or stopped"
    default_hint = 'Resume it first: PATCH it with {"paused": false}.'


class ServerPathForbidden(Forbidden):
    code = "server_path_forbidden"
    title = "Only admins may add folders and repositories of the server"
    default_hint = "Ask an admin with 'manage_org_kb', or upload the files."


class NotReady(Conflict):
    code = "document_not_ready"
    title = "This document is still being read"
    default_hint = "Follow its job, then open it again."


class NotReadable(Conflict):
    code = "document_not_readable"
    title = "This document could not be read, so there is nothing to show"
    default_hint = "Its `error` says why. Upload a corrected file under the same name."


class JobFinished(Conflict):
    code = "job_finished"
    title = "This job is already finished"
    default_hint = "There is nothing left to cancel."


class NothingToRetry(Conflict):
    code = "nothing_to_retry"
    title = "No document of this job can be tried again"
    default_hint = "Documents that failed and still are as this job sent them can. Send the others again."
