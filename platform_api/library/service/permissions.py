"""Who may change a knowledge base, and which access keys a document in it gets (SPEC 6)."""

from uuid import UUID

from access.keys import group_key, organisation_key, user_key
from access.principal import Principal
from kit.wire.library import DocumentMetadata
from platform_api.library.errors import NotYours, UnknownGroup
from platform_api.library.models import KnowledgeBaseRow


def require_manage(principal: Principal, base: KnowledgeBaseRow) -> None:
    """Raises Forbidden, with what to ask for."""
    principal.require("upload_docs")
    if not _manages(principal, base):
        raise NotYours


def may_add(principal: Principal, base: KnowledgeBaseRow) -> bool:
    return principal.may("upload_docs") and _manages(principal, base)


def _manages(principal: Principal, base: KnowledgeBaseRow) -> bool:
    if base.owner_type == "org":
        return principal.may("manage_org_kb")
    if base.owner_type == "department":
        return base.owner_id in principal.groups and principal.may("manage_dept_kb")
    return base.owner_id == str(principal.id)


def document_keys(principal: Principal, base: KnowledgeBaseRow, metadata: DocumentMetadata) -> frozenset[str]:
    """For everyone who may read the knowledge base, or only for `metadata.groups` and the uploader.

    Raises UnknownGroup for a group that the uploader is not in, unless they manage the organisation's.
    """
    if metadata.groups is None:
        return frozenset({base_key(base)})
    foreign = sorted(set(metadata.groups) - principal.groups)
    if foreign and not principal.may("manage_org_kb"):
        raise UnknownGroup(f"You do not belong to: {', '.join(foreign)}.")
    groups = (group_key(principal.organisation_id, group) for group in metadata.groups)
    return frozenset({user_key(principal.id), *groups})


def held_by_both(principal: Principal, old: frozenset[str], new: frozenset[str]) -> frozenset[str]:
    """Keys that open nothing to anybody whom one of the two sets does not let in.

    The uploader is in both: they could see the old version, and they send the new one. A key of their own
    they get only where nothing else is left: it would stay if they lost the group that lets them in.
    """
    everyone = organisation_key(principal.organisation_id)
    if everyone in old:
        return new
    if everyone in new:
        return old
    both = old & new
    return both if principal.access_keys.opens(both) else both | {user_key(principal.id)}


def base_key(base: KnowledgeBaseRow) -> str:
    """What everyone holds who may read the knowledge base."""
    if base.owner_type == "org":
        return organisation_key(base.organisation_id)
    if base.owner_type == "department":
        return group_key(base.organisation_id, base.owner_id)
    return user_key(UUID(base.owner_id))


def groups_of(keys: frozenset[str], base: KnowledgeBaseRow) -> list[str] | None:
    """The groups that these keys of a document name; None where they are those of the knowledge base."""
    if keys == frozenset({base_key(base)}):
        return None
    return sorted(key.partition("/")[2] for key in keys if key.startswith("g:"))
