"""switchboard leads list [--done] | done ID [--crm-id ID] | reopen ID: for admins"""

from typing import Annotated
from uuid import UUID

import typer

from bot.console.plain import one_line
from kit.wire.leads import LeadDetails, ManualLead
from launch.cli.connect import Access, Work, asks, connected

_SHOWN = 100
Id = Annotated[UUID, typer.Argument(help="The lead, as `leads list` names it.", show_default=False)]
CrmId = Annotated[str | None, typer.Option("--crm-id", help="What the CRM calls it.")]
Done = Annotated[bool, typer.Option("--done", help="Those that were entered.")]


def command(app: typer.Typer) -> None:
    leads = typer.Typer(no_args_is_help=True, help="Leads that the CRM did not take, to be entered by hand.")

    @leads.command("list", help="What is to be entered, newest first.")
    @asks("ada")
    def list_(access: Access, *, done: Done = False) -> Work:
        return _list(access, done=done)

    @leads.command("done", help="Somebody has entered it.")
    @asks("ada")
    def done(access: Access, lead: Id, crm_id: CrmId = None) -> Work:
        return _done(lead, crm_id, access)

    @leads.command("reopen", help="It was not entered after all.")
    @asks("ada")
    def reopen(access: Access, lead: Id) -> Work:
        return _reopen(lead, access)

    app.add_typer(leads, name="leads")


async def _list(access: Access, *, done: bool) -> int:
    count = 0
    async with connected(access) as switchboard:
        async for lead in switchboard.admin_leads.all("done" if done else "open"):
            _show(lead)
            count += 1
            if count == _SHOWN:
                break
    if not count:
        print("There is none.")
    return 0


def _show(lead: ManualLead) -> None:
    print(f"{lead.id}  {lead.state}  {lead.reported_at:%Y-%m-%d %H:%M}  {one_line(lead.why)}")
    for name, value in _fields(lead.lead):
        print(f"    {name}: {one_line(value)}")
    if lead.crm_id:
        print(f"    in the CRM: {one_line(lead.crm_id)}")


def _fields(lead: LeadDetails) -> list[tuple[str, str]]:
    fields = [
        ("name", f"{lead.first_name} {lead.last_name}".strip()),
        ("e-mail", lead.email),
        ("phone", lead.phone),
        ("company", lead.company),
        ("reason", lead.reason),
        ("service", lead.service),
        ("message", lead.message),
        ("may be contacted later", "yes" if lead.consent.contact else "no"),
    ]
    return [(name, value) for name, value in fields if value]


async def _done(lead_id: UUID, crm_id: str | None, access: Access) -> int:
    async with connected(access) as switchboard:
        await switchboard.admin_leads.done(lead_id, crm_id)
    print("done")
    return 0


async def _reopen(lead_id: UUID, access: Access) -> int:
    async with connected(access) as switchboard:
        await switchboard.admin_leads.reopen(lead_id)
    print("open")
    return 0
