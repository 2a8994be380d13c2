"""HubSpot's contacts API (v3), and whatever speaks it: a batch upsert by e-mail, which is safe to repeat."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final, cast

import httpx

from ports.http.client import client
from tools.servers.contact.crm.errors import CrmRefused, CrmUnavailable
from tools.servers.contact.crm.port import Entered, Lead
from tools.servers.contact.people import Owner, address

_PATH: Final = "/crm/v3/objects/contacts/batch/upsert"
_STANDARD: Final = {
    "first_name": "firstname",
    "last_name": "lastname",
    "phone": "phone",
    "company": "company",
}
"""Ours → the properties that every HubSpot account has."""
_LATER: Final = frozenset({"CONFLICT", "RATE_LIMITS", "INTERNAL_ERROR", "TIMEOUT"})
_MESSAGE_LIMIT: Final = 60_000


class HubSpot:
    """One account for the whole deployment, whatever organisation a lead comes from."""

    def __init__(
        self, url: str, token: str, timeout_s: float, *, record_url: str, properties: Mapping[str, str]
    ) -> None:
        self._url = url.rstrip("/")
        self._token = token
        self._timeout_s = timeout_s
        self._record_url = record_url
        self._properties = properties
        self._client = client(timeout_s)

    async def upsert(self, owner: Owner, key: str, lead: Lead) -> Entered:
        """Implements Crm.upsert. After a crash the same lead is `updated`, not `created`: it is one lead."""
        email = address(lead.email)
        entry = {"idProperty": "email", "id": email, "properties": {"email": email, **self._written(lead)}}
        result = _result(await self._post({"inputs": [entry]}))
        created = bool(result.get("new"))
        lead_id = str(result["id"])
        return Entered(lead_id, created, not created, self._record_url.replace("{id}", lead_id))

    async def close(self) -> None:
        await self._client.aclose()

    async def _post(self, body: dict[str, Any]) -> httpx.Response:
        headers = {"authorization": f"Bearer {self._token}"}
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._client.post(f"{self._url}{_PATH}", json=body, headers=headers)
        except (httpx.HTTPError, TimeoutError) as reason:
            raise CrmUnavailable() from reason

    def _written(self, lead: Lead) -> dict[str, str]:
        """What is not given is left out, which leaves what the CRM knows as it is."""
        fields = _fields(lead)
        named = {**_STANDARD, **self._properties}
        written = {named[ours]: value for ours, value in fields.items() if ours in named}
        rest = [f"{ours}: {value}" for ours, value in fields.items() if ours not in named]
        text = "\n".join([*([lead.message, ""] if lead.message else []), *rest])
        return {**written, "message": text[:_MESSAGE_LIMIT]} if text else written


def _fields(lead: Lead) -> dict[str, str]:
    fields = {
        "first_name": lead.first_name,
        "last_name": lead.last_name,
        "phone": lead.phone,
        "company": lead.company,
        "reason": lead.reason,
        "service": lead.service,
        "tz": lead.tz,
        "consent_contact": "true" if lead.consent.contact else "false",
        "consent_record_id": str(lead.consent.record_id),
        "channel": lead.source.channel,
    }
    return {ours: value for ours, value in fields.items() if value}


def _result(answer: httpx.Response) -> dict[str, Any]:
    """The one contact of the answer. What HubSpot says about an error may repeat the lead: only its category
    is told."""
    body = _json(answer)
    if answer.status_code in {200, 201} and body.get("results"):
        return cast(dict[str, Any], body["results"][0])
    errors = cast(list[dict[str, Any]], body.get("errors") or [body])
    category = str(errors[0].get("category") or errors[0].get("errorType") or "none")
    if answer.status_code in {409, 423, 429} or answer.status_code >= 500 or category in _LATER:
        raise CrmUnavailable(retry_after=_wait(answer))
    raise CrmRefused(f"The CRM answered {answer.status_code} ({category[:40]}).")


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        body: Any = answer.json()
    except ValueError:
        return {}
    return cast(dict[str, Any], body) if isinstance(body, dict) else {}


def _wait(answer: httpx.Response) -> float | None:
    header = answer.headers.get("retry-after", "")
    return float(header) if header.isdecimal() else None
