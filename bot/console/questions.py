"""What the platform asks, as terminal text. Pure. Texts of tools are data: shown, never obeyed.

May files.remove be called?
  Allow this call?
  Tool: files.remove …
"""

import json
import textwrap
from collections.abc import Sequence
from datetime import datetime

from bot.console.plain import PLAIN, Style, neutral, one_line
from bot.core.asking import Field, fields_of
from kit.wire.interactions import Form, Interaction
from kit.wire.tools import Tool, ToolOutcome

HOW = "Enter takes what stands in [brackets]. /no declines, /later leaves it open, Esc or Ctrl-C cancels."
_HOW_TO_LEAVE = "/no declines, /later leaves it open, Esc or Ctrl-C cancels."
_LONGEST_TITLE = 60
_WRAPPED = 92
_WIDEST_NAME, _RISKS = 40, len("destructive")
_CUT_MESSAGE = 3_900
"""From this length on a message may have been cut, so that it does not show all arguments."""


def heading(interaction: Interaction, style: Style = PLAIN) -> str:
    until = _until(interaction.expires_at)
    whose = "" if interaction.asked_of == "me" else f" Asked by {one_line(interaction.asked_by)}."
    title = one_line(interaction.title)
    return f"\n{style.bold}{title}{style.reset}\n{style.dim}Open until {until}.{whose}{style.reset}\n"


def message(form: Form, style: Style = PLAIN) -> str:
    """What is asked, indented: its lines cannot pass for ours. The page to open stands whole on its own."""
    lines = [neutral(form.message) if form.arguments is not None else _wrapped(neutral(form.message))]
    if form.arguments is not None and len(form.message) >= _CUT_MESSAGE:
        lines.append(f"All arguments:\n{_exact(form.arguments)}")
    text = textwrap.indent("\n".join(lines).strip("\n"), "  │ ", lambda _: True)
    page = f"\n{style.bold}{neutral(form.url)}{style.reset}" if form.url else ""
    return f"{text}{page}\n"


def field_lines(field: Field, style: Style = PLAIN) -> str:
    """What stands above the prompt: what it is for, and the options. A long title is a sentence to read."""
    colour = style.red if field.corrected else style.dim
    told = [one_line(field.title)] if len(one_line(field.title)) > _LONGEST_TITLE else []
    told += [one_line(field.description)] if field.description else []
    lines = [f"{colour}{_indented(text)}{style.reset}" for text in told]
    lines += [f"    {number}) {one_line(option.title)}" for number, option in enumerate(field.options, 1)]
    return "".join(f"{line}\n" for line in lines)


def _wrapped(text: str) -> str:
    return "\n".join(textwrap.fill(line, _WRAPPED, subsequent_indent="  ") for line in text.splitlines())


def kept_lines(fields: Sequence[Field], style: Style = PLAIN) -> str:
    """What goes with the answer without being asked again: seen, whoever has filled it in."""
    shown = [
        f"{one_line(field.title)}: {one_line(_shown(field))}" for field in fields if field.default is not None
    ]
    return f"{style.dim}{_indented('As before: ' + ' · '.join(shown))}{style.reset}\n" if shown else ""


def prompt(field: Field) -> str:
    """`Title (yes/no, optional) [default]: `"""
    hints = [hint for hint in (_HINTS.get(field.kind, ""), "" if field.required else "optional") if hint]
    about = f" ({', '.join(hints)})" if hints else ""
    default = f" [{one_line(_shown(field))}]" if field.default is not None and not field.explicit else ""
    title = one_line(field.title)
    asked = title if len(title) <= _LONGEST_TITLE else "Your answer"
    return f"  {asked}{about}{default}: "


def _indented(text: str) -> str:
    return textwrap.fill(text, _WRAPPED, initial_indent="    ", subsequent_indent="    ")


_HINTS = {
    "yes_no": "yes/no",
    "one_of": "number",
    "some_of": "numbers, with commas",
    "integer": "whole number",
    "number": "number",
    "date": "YYYY-MM-DD",
    "date_time": "YYYY-MM-DD HH:MM",
}


def _shown(field: Field) -> str:
    titles = {option.value: option.title for option in field.options}
    value = field.default
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(titles.get(str(one), str(one)) for one in value)  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType]  # JSON
    return titles.get(str(value), str(value))


def _exact(arguments: object) -> str:
    """ASCII only, so that nothing in it hides or passes for something else."""
    return json.dumps(arguments, indent=2, ensure_ascii=True)


def pending(interactions: Sequence[Interaction]) -> str:
    """Numbered, to be answered with `/pending N`."""
    if not interactions:
        return "Nothing waits for an answer.\n"
    lines = [
        f"  {number}  {one_line(one.title)} · until {_when(one.expires_at)}{_whose(one)}"
        for number, one in enumerate(interactions, 1)
    ]
    return "\n".join([*lines, "/pending N lets you answer one."]) + "\n"


def how(interaction: Interaction) -> str:
    """How to answer, and how not to."""
    fields = [field for form in interaction.forms for field in fields_of(form)]
    return HOW if any(field.default is not None for field in fields) else _HOW_TO_LEAVE


def _until(moment: datetime) -> str:
    """The time of day alone only where it is today's."""
    local, now = moment.astimezone(), datetime.now().astimezone()
    return f"{local:%H:%M}" if local.date() == now.date() else f"{local:%Y-%m-%d %H:%M}"


def _when(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"


def _whose(interaction: Interaction) -> str:
    if interaction.asked_of == "me":
        return ""
    if interaction.mine_to_answer:
        return f" · {one_line(interaction.asked_by)} asks you to agree"
    return " · waits for somebody else"


def tools(listed: Sequence[Tool], style: Style = PLAIN) -> str:
    if not listed:
        return "There are no tools that you may use.\n"
    lines: list[str] = []
    names = min(max(len(one_line(tool.name)) for tool in listed), _WIDEST_NAME)
    for tool in sorted(listed, key=lambda one: one.name):
        name, said = one_line(tool.name), textwrap.shorten(one_line(tool.description), 70, placeholder=" …")
        lines.append(f"  {style.bold}{name:<{names}}{style.reset}  {tool.risk:<{_RISKS}}  {said}".rstrip())
    return "\n".join([*lines, "/call TOOL name=value … calls one."]) + "\n"


def outcome(result: ToolOutcome, style: Style = PLAIN) -> str:
    """What a tool said; what is no text is named."""
    blocks = [_block(block) for block in result.content]
    if not any(blocks) and result.structured is not None:
        blocks = [neutral(json.dumps(result.structured, indent=2, ensure_ascii=False))]
    text = "\n".join(block for block in blocks if block) or "(the tool said nothing)"
    return f"{style.red}{text}{style.reset}\n" if result.is_error else f"{text}\n"


def _block(block: dict[str, object]) -> str:
    if block.get("type") == "text":
        return neutral(str(block.get("text", "")))
    return f"({one_line(str(block.get('type', 'something')))})"
