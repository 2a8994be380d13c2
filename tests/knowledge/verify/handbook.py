"""A page of an invented handbook, as the loader would give it, and sources made of it."""

from uuid import UUID, uuid5

from knowledge.verify import Source

_SPACE = UUID(int=1)

_LEAVE = [
    "Every employee earns 6 hours of annual leave per pay period after 3 years of service.",
    "You can carry over a maximum of 240 hours to the next year.",
    "Award leave is not paid out when you quit.",
    "Requests go to Priya Raman in the Harbour Office at least 5 business days in advance.",
]
_TRAVEL = [
    "Tom reports to Maya on Mondays.",
    "If your trip is cancelled, tell travel@example.org within 24 hours.",
    "Write to the front desk before your first visit.",
]
_ROOMS = [
    "You do not need approval to create public repositories.",
    "Contractors may use the Quiet Room only after 5 p.m.",
    "The fee rises from $20 to $35.50 in March 2027.",
]
SENTENCES = [*_LEAVE, *_TRAVEL, *_ROOMS]

PAGE = f"""Leave and travel

{" ".join(_LEAVE)}

Receipts

The following must never be claimed:

- Alcohol served at dinners
- Parking fines from city streets. They stay with the driver.

You can use sick leave for:

- Doctor appointments
- Mental health care
- Recovering from illness

Step | Who does it | How long
Agency completes documents | Agency contact | 3 weeks
Legal reviews the agreement | Legal team | 10 days

{" ".join(_TRAVEL)} Can I bring my dog to the office?

{" ".join(_ROOMS)}"""


def source(text: str = PAGE, name: str = "leave") -> Source:
    return Source(
        chunk_id=uuid5(_SPACE, text),
        doc_id=uuid5(_SPACE, name),
        text=text,
        title=name.title(),
        section="",
        url=f"https://handbook.example/{name}",
    )
