"""Asking the person at the terminal what the platform asks, and bringing the answer back (SPEC 5)."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from typing import Any, Literal
from uuid import UUID

from switchboard_sdk import ApiError, Switchboard

from bot.console import questions
from bot.console.plain import Style, said
from bot.core.asking import Field, NotUnderstood, fields_of, understood
from kit.wire.interactions import Action, Form, Interaction
from kit.wire.problem import FieldError

ReadLine = Callable[[str], Awaitable[str | None]]
"""Shows a prompt; None: Esc, Ctrl-C, or the end of the input."""
Write = Callable[[str], None]
Content = dict[str, Any]


class Left(Exception):
    """The person did not fill in the form: `action` is what that means, None: later."""

    def __init__(self, action: Literal["decline", "cancel"] | None) -> None:
        self.action: Literal["decline", "cancel"] | None = action


@dataclass(frozen=True, slots=True)
class Settled:
    """How it ended, wherever it was answered; the turn that goes on with it, if a conversation does."""

    interaction: Interaction
    turn_id: UUID | None = None
    refused: bool = False
    """The person here said no, or withdrew it."""


@dataclass(slots=True)
class Asking:
    switchboard: Switchboard
    read: ReadLine
    write: Write
    style: Style
    again: bool = False
    """It goes on with a question before it: what is said of each is not said once more."""
    answering: bool = False
    """The answer is on its way: that it ends now is our own doing."""

    async def settle(self, interaction: Interaction) -> Settled | None:
        """Asks until it is answered here or elsewhere, or is over. None: the person leaves it open.

        Raises ApiError where the platform is away.
        """
        self.write("\n" if self.again else questions.heading(interaction, self.style))
        watching = asyncio.create_task(self.switchboard.interactions.wait(interaction.id, longest_s=3600))
        asking = asyncio.create_task(self._ask(interaction))
        try:
            await asyncio.wait({watching, asking}, return_when=asyncio.FIRST_COMPLETED)
            if asking.done() or self.answering:
                return await asking
            ended = await watching
            await _cancelled(asking)
            return self._ended_elsewhere(ended)
        finally:
            await _cancelled(watching, asking)

    def _ended_elsewhere(self, ended: Interaction) -> Settled:
        self.write(f"\n{_ENDED.get(ended.status, 'This is over.')}\n")
        return Settled(ended, ended.continued_by)

    async def _ask(self, interaction: Interaction) -> Settled | None:
        if not interaction.mine_to_answer:
            return await self._let_others(interaction)
        wrong: Sequence[FieldError] = ()
        given: dict[str, Content] = {}
        if not self.again:
            self.write(f"{self.style.dim}{questions.how(interaction)}{self.style.reset}\n")
        while True:
            try:
                action, given = await self._filled(interaction, given, wrong)
            except Left as left:
                if left.action is None:
                    self.write("It stays open; /pending shows it.\n")
                    return None
                action, given = left.action, {}
            try:
                return await self._respond(interaction, action, given)
            except ApiError as error:
                if not error.problem.errors:
                    return await self._refused(interaction, error)
                wrong = error.problem.errors
                if not _on_fields(wrong, interaction.forms):
                    # No field to ask anew: all of it, from the start.
                    for one in wrong:
                        self._complain(f"{one.field}: {one.message}")
                    given, wrong = {}, ()

    async def _let_others(self, interaction: Interaction) -> Settled | None:
        for form in interaction.forms:
            self.write(questions.message(form, self.style))
        typed = await self.read("  Somebody else decides this. Enter leaves it open, /cancel withdraws it: ")
        if typed is not None and typed.strip() == "/cancel":
            return await self._respond(interaction, "cancel", {})
        return None

    async def _filled(
        self, interaction: Interaction, given: dict[str, Content], wrong: Sequence[FieldError]
    ) -> tuple[Action, dict[str, Content]]:
        """Once more only what was wrong. Raises Left."""
        content: dict[str, Content] = {}
        for form in interaction.forms:
            before = given.get(form.key)
            if before is None:
                self.write(questions.message(form, self.style))
            mine = _of_form(wrong, form, alone=len(interaction.forms) == 1)
            content[form.key] = await self._form(form, before, mine, interaction.kind == "approval")
        return "accept", content

    async def _form(
        self, form: Form, before: Content | None, wrong: dict[str, str], approval: bool
    ) -> Content:
        if form.url and before is None:
            self._take(await self.read("  Open this page. Press Enter once you are done there: "))
            return {}
        if approval and before is None:
            await self._allowed()
        content = dict(before or {})
        fields = fields_of(form)
        if before is None and any(field.corrected for field in fields):
            kept = [field for field in fields if _keeps(field)]
            content = {field.name: field.default for field in kept if field.default is not None}
            fields = [field for field in fields if field not in kept]
            self.write(questions.kept_lines(kept, self.style))
        if before is None and not fields and not approval and not form.url:
            self._take(await self.read("  Press Enter to agree: "))
        for field in fields:
            if before is not None and field.name not in wrong:
                continue
            if field.name in wrong:
                self._complain(wrong[field.name])
            value = await self._field(replace(field, description="") if field.name in wrong else field)
            content.pop(field.name, None)
            if value is not None:
                content[field.name] = value
        return content

    async def _allowed(self) -> None:
        """Raises Left unless the person says yes in so many letters."""
        while True:
            typed = self._take(await self.read("  Allow it? (yes/no) ")).strip().lower()
            if typed in ("y", "yes"):
                return
            if typed in ("n", "no"):
                raise Left("decline")
            self._complain("Please answer yes or no.")

    async def _field(self, field: Field) -> Any:
        self.write(questions.field_lines(field, self.style))
        while True:
            typed = self._take(await self.read(questions.prompt(field)))
            try:
                return understood(field, typed)
            except NotUnderstood as error:
                self._complain(str(error))

    def _take(self, typed: str | None) -> str:
        """Raises Left."""
        if typed is None:
            raise Left("cancel")
        word = typed.strip().lower()
        if word in ("/no", "/decline"):
            raise Left("decline")
        if word == "/cancel":
            raise Left("cancel")
        if word == "/later":
            raise Left(None)
        return typed

    def _complain(self, sentence: str) -> None:
        self.write(f"    {self.style.red}{said(sentence)}{self.style.reset}\n")

    async def _respond(self, interaction: Interaction, action: Action, given: dict[str, Content]) -> Settled:
        content: Content = dict(given)
        if len(interaction.forms) == 1:
            content = given.get(interaction.forms[0].key, {})
        self.answering = True
        try:
            responded = await self.switchboard.interactions.respond(interaction.id, action, content)
        finally:
            self.answering = False
        if action != "accept" or not self.again:
            self.write(f"{self.style.dim}{_DONE[action]}{self.style.reset}\n")
        return Settled(interaction, responded.turn_id, refused=action != "accept")

    async def _refused(self, interaction: Interaction, error: ApiError) -> Settled:
        """Too late, or somebody was faster: it says so, and what came of theirs is shown."""
        self._complain(f"{error.problem.detail.rstrip('.')}. {error.problem.hint}")
        now = await self.switchboard.interactions.get(interaction.id)
        return Settled(now, now.continued_by)


def _keeps(field: Field) -> bool:
    """Of a form that comes again: what was given and is right, or was left out. Never a yes."""
    if field.corrected or field.kind == "yes_no":
        return False
    return field.default is not None or not field.required


_DONE = {"accept": "Answered.", "decline": "Declined.", "cancel": "Cancelled."}
_ENDED = {
    "answered": "This was answered elsewhere.",
    "expired": "The time to answer this is over. Nothing was done.",
    "cancelled": "This question was withdrawn.",
}


def _of_form(wrong: Sequence[FieldError], form: Form, *, alone: bool) -> dict[str, str]:
    """Field → what is wrong. With several forms a field is named `form.field`."""
    before = "" if alone else f"{form.key}."
    return {one.field.removeprefix(before): one.message for one in wrong if one.field.startswith(before)}


def _on_fields(wrong: Sequence[FieldError], forms: Sequence[Form]) -> bool:
    alone = len(forms) == 1
    return any(
        field.name in _of_form(wrong, form, alone=alone) for form in forms for field in fields_of(form)
    )


async def _cancelled(*tasks: "asyncio.Task[Any]") -> None:
    for task in tasks:
        task.cancel()
    for task in tasks:
        with suppress(asyncio.CancelledError, Exception):
            await task


async def open_ones(switchboard: Switchboard) -> list[Interaction]:
    """What waits for me, and what others ask me to decide."""
    found: list[Interaction] = []
    for asked_of in (None, "second_person"):
        async with aclosing(_listed(switchboard, asked_of)) as listed:
            found += [one async for one in listed]
    return list({one.id: one for one in found}.values())


async def _listed(
    switchboard: Switchboard, asked_of: Literal["second_person"] | None
) -> AsyncGenerator[Interaction]:
    async for one in switchboard.interactions.all(status="open", asked_of=asked_of):
        yield one
